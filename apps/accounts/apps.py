from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from django.contrib import admin

        from apps.accounts import witness  # it needs the models
        from apps.accounts.forms import AdminSignInForm

        witness.connect()
        admin.site.login_form = AdminSignInForm
