"""The admin's URLs, below ADMIN_PATH. Imported only where it is on."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("", admin.site.urls)]
