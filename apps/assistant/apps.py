from django.apps import AppConfig


class AssistantConfig(AppConfig):
    name = "apps.assistant"

    def ready(self) -> None:
        from apps.assistant import checks  # noqa: F401  registers itself
