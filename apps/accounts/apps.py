from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from django.contrib import admin

        from apps.accounts import views, witness  # they need the models
        from apps.accounts.forms import AdminSignInForm

        witness.connect()
        admin.site.login_form = AdminSignInForm
        admin.site.password_change_view = views.ChangePassword  # type: ignore[attr-defined]  # see SiteAdmin
