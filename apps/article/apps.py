from django.apps import AppConfig


class ArticleConfig(AppConfig):
    name = "apps.article"
