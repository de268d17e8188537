from django.urls import path
from rest_framework import generics, pagination, serializers
from rest_framework.exceptions import NotFound

from messaging.models import Message
from rooms.models import Membership


class MessageSerializer(serializers.ModelSerializer):
    class Meta:
        model = Message
        fields = [
            "id", "room", "seq", "changed_seq", "client_id", "author", "body", "created_at", "edited_at",
            "deleted_at", "reply_to_id", "thread_id", "reply_count", "last_reply_at", "mentions", "metadata",
            "pinned",
        ]  # fmt: skip


class BySeq(pagination.CursorPagination):
    ordering = "-seq"
    page_size = 50


class History(generics.ListAPIView):
    serializer_class = MessageSerializer
    pagination_class = BySeq

    def get_queryset(self):
        room = self.kwargs["room_id"]
        if not Membership.objects.filter(room_id=room, user_id=self.request.user.id, left_seq=None).exists():
            raise NotFound
        return Message.objects.filter(room_id=room)


urlpatterns = [path("api/v1/rooms/<uuid:room_id>/messages/", History.as_view())]
