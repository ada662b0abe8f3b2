from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "apps.access"

    def ready(self) -> None:
        from apps.access import moves  # it needs the models

        moves.connect()
