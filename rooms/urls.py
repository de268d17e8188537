"""Under /api/v1/. The rooms themselves are served by messaging, which knows what is unread in them."""

from django.urls import path

from rooms import ban_views, views

urlpatterns = [
    path("rooms/<str:room_id>/bans/", ban_views.BansView.as_view()),
    path("rooms/<str:room_id>/bans/<str:user_id>/", ban_views.BanView.as_view()),
    path("rooms/<str:room_id>/leave/", views.LeaveView.as_view()),
    path("rooms/<str:room_id>/members/", views.MembersView.as_view()),
    path("rooms/<str:room_id>/members/<str:user_id>/", views.MemberView.as_view()),
]
