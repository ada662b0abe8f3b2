from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApiConfig(AppConfig):
    name = "apps.api"
    verbose_name = _("Publish API")

    def ready(self) -> None:
        from apps.access import tokens
        from apps.api import models  # it needs the models

        tokens.know_keys(models.topics_of_key)
