"""Pages of a demo only."""

from django.urls import path

from local import echo

urlpatterns = [path("upstream", echo.echo), path("upstream/<path:rest>", echo.echo)]
