"""Under /api/v1/."""

from django.urls import path

from messaging import message_views, mine_views, room_views, views

urlpatterns = [
    path("rooms/", room_views.RoomsView.as_view()),
    path("rooms/public/", mine_views.PublicRoomsView.as_view()),
    path("rooms/direct/<str:user_id>/", room_views.DirectRoomView.as_view()),
    path("rooms/<str:room_id>/", room_views.RoomView.as_view()),
    path("rooms/<str:room_id>/me/", mine_views.MySettingsView.as_view()),
    path("rooms/<str:room_id>/join/", room_views.JoinView.as_view()),
    path("rooms/<str:room_id>/read/", views.ReadView.as_view()),
    path("rooms/<str:room_id>/events/", views.EventsView.as_view()),
    path("rooms/<str:room_id>/messages/", views.MessagesView.as_view()),
    path("rooms/<str:room_id>/messages/<str:message_id>/", message_views.MessageView.as_view()),
    path(
        "rooms/<str:room_id>/messages/<str:message_id>/history/",
        message_views.MessageHistoryView.as_view(),
    ),
]
