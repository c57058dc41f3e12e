"""People named in comments: who is told, and that they have seen it."""

import re

from django.db.models.functions import Now

from audit.operations import act, record_event
from recon.models import BreakComment, Mention
from recon.queries import breaks_for
from recon.resolution_queries import people_who_see_breaks

MENTIONS_MAX = 10
_NAMED = re.compile(r"(?<![\w@])@([\w.+-]{1,150})")


def mention_people(comment: BreakComment) -> list[str]:
    """Tell those whom a comment names and who see its break, inside the caller's transaction; returns their user names."""
    names = list(dict.fromkeys(name.rstrip(".+-") for name in _NAMED.findall(comment.text)))[:MENTIONS_MAX]
    if not names:
        return []
    people = people_who_see_breaks().filter(username__in=names).exclude(pk=comment.author_id)
    told = [person for person in people if breaks_for(person).filter(pk=comment.recon_break_id).exists()]
    Mention.objects.bulk_create([Mention(comment=comment, user=person) for person in told])
    return [person.username for person in told]


def see_mention(*, mention_id: int) -> Mention:
    """Say that a person has seen where they were named; seen again it stays as it was."""
    with act("recon.mention.seen", target_type="recon.mention", target_id=mention_id):
        mention = Mention.objects.select_for_update(of=("self",)).select_related("comment").get(pk=mention_id)
        if mention.seen_at is None:
            Mention.objects.filter(pk=mention.pk).update(seen_at=Now())
            record_event(
                "recon.mention.seen",
                target_type="recon.mention",
                target_id=mention_id,
                after={"break": str(mention.comment.recon_break_id), "comment": mention.comment_id},
            )
        return mention
