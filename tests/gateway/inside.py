"""What a test looks at inside the server."""


def consumer_of(server, rest):
    """The one socket of this person."""
    [consumer] = [
        each
        for local in server.runtime().hub._people.values()
        for each in local
        if str(each.user_id) == rest.user_id
    ]
    return consumer
