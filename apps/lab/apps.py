from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "apps.lab"

    def ready(self) -> None:
        from apps.lab.tally import tallies
        from apps.operations.figures import add_figure

        add_figure("lab", tallies)
