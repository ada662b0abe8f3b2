from django.urls import path

from apps.assistant import views

app_name = "assistant"
urlpatterns = [
    path("answer", views.answer, name="answer"),
    path("answer/sse", views.answer_by_sse, name="answer_by_sse"),
]
