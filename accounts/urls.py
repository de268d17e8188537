"""Under /api/v1/."""

from django.urls import path

from accounts import block_views, bot_views, session_views, user_views, views

urlpatterns = [
    path("auth/register/", views.RegisterView.as_view()),
    path("auth/token/", views.TokenView.as_view()),
    path("auth/token/refresh/", views.TokenRefreshView.as_view()),
    path("auth/logout/", session_views.LogoutView.as_view()),
    path("auth/sessions/", session_views.SessionsView.as_view()),
    path("auth/sessions/<str:session_id>/", session_views.SessionView.as_view()),
    path("auth/password/change/", session_views.PasswordChangeView.as_view()),
    path("users/me/", user_views.MeView.as_view()),
    path("users/me/blocks/", block_views.BlocksView.as_view()),
    path("users/me/blocks/<str:user_id>/", block_views.BlockView.as_view()),
    path("users/", user_views.UsersView.as_view()),
    path("users/<str:user_id>/", user_views.UserView.as_view()),
    path("bots/", bot_views.BotsView.as_view()),
    path("bots/<str:bot_id>/", bot_views.BotView.as_view()),
    path("bots/<str:bot_id>/tokens/", bot_views.BotTokensView.as_view()),
    path("bots/<str:bot_id>/tokens/<str:token_id>/", bot_views.BotTokenView.as_view()),
]
