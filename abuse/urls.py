"""Pages about how a key is used, under `/p/<slug>/keys/<id>/`."""

from django.urls import path

from abuse import views

app_name = "abuse"

urlpatterns = [
    path("p/<slug:slug>/keys/<str:public_id>/suspension", views.suspension, name="suspension"),
    path("p/<slug:slug>/keys/<str:public_id>/unusual-use", views.unusual_use, name="unusual"),
]
