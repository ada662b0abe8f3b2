"""The address of the page of results."""

from django.urls import path

from apps.benchmark.views import results_page

app_name = "benchmark"
urlpatterns = [path("benchmark/", results_page, name="results")]
