"""The addresses of the pages about one's account."""

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-out/", views.SignOut.as_view(), name="sign_out"),
    path("password/", views.ChangePassword.as_view(), name="change_password"),
    path("password/done/", views.PasswordChanged.as_view(), name="password_changed"),
    path("reset/", views.AskForReset.as_view(), name="ask_for_reset"),
    path("reset/sent/", views.ResetSent.as_view(), name="reset_sent"),
    path("reset/done/", views.PasswordReset.as_view(), name="password_reset"),
    path("reset/<uidb64>/<token>/", views.ResetPassword.as_view(), name="reset_password"),
]
