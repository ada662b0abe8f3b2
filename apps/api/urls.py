from django.urls import path

from apps.api import views

app_name = "api"

urlpatterns = [
    path("topics/<str:topic>/events", views.topic_events, name="topic-events"),
]
