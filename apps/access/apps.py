from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "apps.access"

    def ready(self) -> None:
        from apps.access import group_topics, moves  # they need the models

        moves.connect()
        group_topics.connect()
