"""What a partner says of itself: written by those who may, checked in words, shown to everybody while it is live and listed."""

import pytest
from django.conf import settings
from django.test import Client

from core.models import Event
from partners import logos, partners
from partners.models import Partner
from tests.callers import Caller
from tests.marketplace.makers import published
from tests.partners import files
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

ANYBODY = Caller("anonymous")
PROFILE = {
    "summary": "Route planning.",
    "description": "We plan **routes**.",
    "website": "https://globex.example",
    "industries": ["retail", "logistics"],
    "countries": ["GB", "DE"],
    "public_email": "hello@globex.example",
    "links": {"github": "https://github.com/globex", "x": "https://twitter.com/globex"},
}
FORM = {
    "name": "Globex",
    "type": "business",
    "summary": "Route planning.",
    "description": "We plan **routes**.",
    "website": "globex.example",
    "public_email": "hello@globex.example",
    "industries": ["retail", "logistics"],
    "countries": ["GB", "DE"],
    "github": "https://github.com/globex",
    "listed": "on",
}


@pytest.fixture
def globex(active) -> Caller:
    return Caller("key", active.pk)


class TestByApi:
    def test_what_is_written_is_shown_to_everybody(self, globex):
        own = globex.patch("/partner", PROFILE)
        shown = ANYBODY.get("/partners/globex")
        for answer in (own, shown):
            wanted = {**PROFILE, "industries": ["logistics", "retail"], "countries": ["DE", "GB"]}
            assert {name: answer[name] for name in PROFILE} == wanted
        assert shown["url"] == own["profile_url"] == f"{settings.BASE_URL}/partners/globex"
        assert (shown["verified"], shown["logo"]) == (True, None)

    def test_event_has_what_stood_before(self, globex):
        globex.patch("/partner", {"summary": "One", "industries": ["retail"]})
        globex.patch("/partner", {"summary": "Two", "industries": ["retail"]})
        event = Event.objects.filter(type="partner.updated").latest("id")
        assert event.data["changes"] == {"summary": ["One", "Two"]}
        assert event.actor_kind == "key"

    def test_lists_and_links_are_replaced_whole(self, globex):
        globex.patch("/partner", PROFILE)
        changed = globex.patch("/partner", {"links": {"linkedin": "https://de.linkedin.com/company/globex"}, "countries": []})
        assert changed["links"] == {"linkedin": "https://de.linkedin.com/company/globex"}
        assert (changed["countries"], changed["summary"]) == ([], "Route planning.")

    @pytest.mark.parametrize(
        ("field", "value", "pointer"),
        [
            ("summary", "x" * 161, "/summary"),
            ("description", "x" * 5_001, "/description"),
            ("website", "javascript:alert(1)", "/website"),
            ("industries", ["piracy"], "/industries/0"),
            ("industries", ["energy", "legal", "media", "retail", "travel", "finance"], "/industries"),
            ("countries", ["gb"], "/countries/0"),
            ("countries", ["GB", "EU"], "/countries/1"),
            ("public_email", "hello", "/public_email"),
            ("links", {"github": "https://github.com.evil.example/x"}, "/links/github"),
            ("links", {"github": "http://github.com/x"}, "/links/github"),
            ("links", {"github": "https://github.com/"}, "/links/github"),
            ("links", {"myspace": "https://myspace.com/x"}, "/links/myspace"),
            ("links", "https://github.com/x", "/links"),
            ("logo", "x", "/logo"),
            ("profile_url", "x", "/profile_url"),
        ],
    )
    def test_mistakes_are_named(self, globex, field, value, pointer):
        problem = globex.patch("/partner", {field: value}, expect=422)
        assert [error["pointer"] for error in problem["errors"]] == [pointer]

    def test_filters(self, globex, by_operator):
        globex.patch("/partner", PROFILE)
        partners.create(name="Initech", type="business", by=by_operator, active=True)

        def found(query):
            return [row["slug"] for row in ANYBODY.get(f"/partners?{query}&ordering=name")["data"]]

        assert found("") == ["globex", "initech"]
        assert found("industry=retail") == found("country=DE") == found("q=route plan") == ["globex"]
        assert found("type=business") == ["initech"]
        assert found("q=ITE") == ["initech"]
        assert found("country=FR") == found("q=route nobody") == []
        ANYBODY.get("/partners?industry=piracy", expect=422)

    def test_operator_writes_it_too(self, active, console):
        assert console.patch(f"/partners/{active.public_id}", {"summary": "Ours"})["summary"] == "Ours"


class TestPage:
    def test_saved_and_shown(self, signed_in, active):
        answer = signed_in(active, "owner").post("/p/globex/profile/", FORM, follow=True)
        assert "Saved." in answer.content.decode()
        active.refresh_from_db()
        assert (active.website, active.links) == ("https://globex.example", {"github": "https://github.com/globex"})
        assert (active.industries, active.countries) == (["logistics", "retail"], ["DE", "GB"])
        event = Event.objects.get(type="partner.updated")
        assert "type" in event.data["changes"]
        assert event.actor_kind == "member"

    def test_nothing_changed_is_no_event(self, signed_in, active):
        client = signed_in(active, "owner")
        for _time in range(2):
            client.post("/p/globex/profile/", FORM)
        assert Event.objects.filter(type="partner.updated").count() == 1

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("github", "https://gitlab.com/globex", "This is no page of GitHub."),
            ("industries", ["energy", "legal", "media", "retail", "travel", "finance"], "Choose at most five"),
            ("countries", ["XX"], "Select a valid choice."),
            ("name", "", "This field is required."),
        ],
    )
    def test_mistakes_are_said_and_nothing_is_kept(self, signed_in, active, field, value, words):
        answer = signed_in(active, "owner").post("/p/globex/profile/", {**FORM, field: value})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert words in page
        assert "Not saved" in page
        assert "We plan **routes**.</textarea>" in page
        active.refresh_from_db()
        assert active.summary == ""

    def test_draft_is_drawn_and_not_kept(self, signed_in, active):
        form = {**FORM, "summary": "Half a sen", "github": "https://gitlab.com/globex"}
        page = signed_in(active, "owner").post("/p/globex/profile/draft", form).content.decode()
        assert "Half a sen" in page
        assert "<strong>routes</strong>" in page
        assert "GitHub: This is no page of GitHub." in page
        assert Partner.objects.get().summary == ""

    def test_who_may_not_write_reads(self, signed_in, active):
        client = signed_in(active, "developer")
        page = client.get("/p/globex/profile/").content.decode()
        assert "Save</button>" not in page
        assert 'name="summary"' in page
        for path in ("", "draft", "logo", "logo/remove"):
            assert client.post(f"/p/globex/profile/{path}").status_code == 403

    def test_logo_is_put_shown_and_taken_away(self, signed_in, active):
        client = signed_in(active, "owner")
        page = client.post("/p/globex/profile/logo", {"file": _file(files.png((200, 200)))}, follow=True).content.decode()
        active.refresh_from_db()
        assert f'src="/logos/{active.logo}/64.png"' in page, "in the sidebar"
        assert f'src="/logos/{active.logo}/256.png"' in page
        assert "take away" not in client.post("/p/globex/profile/logo/remove", follow=True).content.decode()
        active.refresh_from_db()
        assert active.logo == ""

    @pytest.mark.parametrize("content", [b"<svg/>", b"", b"x" * (logos.LARGEST + 1)])
    def test_bad_logo_is_refused_in_words(self, signed_in, active, content):
        answer = signed_in(active, "owner").post("/p/globex/profile/logo", {"file": _file(content)}, follow=True)
        assert answer.status_code == 200
        assert any(word in answer.content.decode() for word in ("no PNG, JPEG or WebP", "empty", "larger than 4 MiB"))


def _file(content: bytes):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile("logo.png", content)


class TestPublic:
    @pytest.fixture
    def shown(self, active) -> Partner:
        partners.update(partner=active, by=PUBLIC, **PROFILE)
        return logos.put(partner=active, content=files.png((200, 200)), by=PUBLIC)

    def page(self, path: str, status: int = 200) -> str:
        answer = Client().get(path)
        assert answer.status_code == status
        return answer.content.decode()

    def test_page_tells_search_engines_what_it_is(self, shown):
        page = self.page("/partners/globex?utm=x")
        url = f"{settings.BASE_URL}/partners/globex"
        assert f'<link rel="canonical" href="{url}">' in page
        assert '<meta name="description" content="Route planning.">' in page
        assert f'<meta property="og:image" content="{settings.BASE_URL}/logos/{shown.logo}/256.png">' in page
        assert "<title>Globex · Portico</title>" in page
        assert "noindex" not in page
        assert "noindex" in self.page("/partners?q=glob")
        assert f'<link rel="canonical" href="{settings.BASE_URL}/partners">' in self.page("/partners?q=glob")

    def test_what_it_says_runs_nothing_and_recommends_nothing(self, active):
        hostile = "<script>alert(1)</script> [x](javascript:alert(1)) [y](https://evil.example)"
        partners.update(partner=active, by=PUBLIC, summary="<b>x</b>", description=hostile)
        page = self.page("/partners/globex")
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert "<b>x</b>" not in page
        assert '<a href="https://evil.example" rel="nofollow ugc noopener">' in page

    def test_its_integrations_are_listed(self, shown):
        published(shown)
        page = self.page("/partners/globex")
        assert "Forecasts by place." in page
        assert "/marketplace/weather/" in page
        assert "1 integration" in self.page("/partners")

    def test_publisher_has_its_logo_and_page_in_the_marketplace(self, shown):
        published(shown)
        assert f"/logos/{shown.logo}/64.png" in self.page("/marketplace/")
        page = self.page("/marketplace/weather/")
        assert f"/logos/{shown.logo}/64.png" in page
        assert 'href="/partners/globex"' in page
        partners.update(partner=shown, by=PUBLIC, listed=False)
        assert 'href="/partners/globex"' not in self.page("/marketplace/weather/")

    def test_entrance_has_the_logo(self, shown):
        assert f"/logos/{shown.logo}/64.png" in self.page("/p/globex/login")

    @pytest.mark.parametrize(
        "leave",
        [
            lambda partner: partners.suspend(partner=partner, reason="Unpaid", by=PUBLIC),
            lambda partner: partners.close(partner=partner, by=PUBLIC),
            lambda partner: partners.delete(partner=partner, by=PUBLIC),
            lambda partner: partners.update(partner=partner, by=PUBLIC, listed=False),
        ],
    )
    def test_who_leaves_is_gone_at_once(self, shown, leave):
        assert "no-cache" in Client().get("/partners/globex")["Cache-Control"]
        leave(shown)
        self.page("/partners/globex", 404)
        assert "Globex" not in self.page("/partners")
        assert "Globex" not in self.page("/p/globex/login")
        ANYBODY.get("/partners/globex", expect=404)
        assert ANYBODY.get("/partners")["data"] == []

    def test_pending_one_is_previewed_by_its_team_alone(self, signed_in, confirmed, active):
        self.page("/partners/acme", 404)
        assert "once you are live" in signed_in(confirmed, "viewer").get("/p/acme/profile/preview").content.decode()
        assert signed_in(active, "owner").get("/p/acme/profile/preview").status_code == 404

    def test_search_and_filters(self, shown, by_operator):
        partners.create(name="Initech", type="business", by=by_operator, active=True)
        assert "Initech" not in self.page("/partners?q=%00rout")
        assert "Initech" not in self.page("/partners?industry=retail")
        assert "Globex" not in self.page("/partners?type=business")
        assert "Initech" not in self.page("/partners?country=DE")
        assert '<option value="DE" selected>Germany</option>' in self.page("/partners?country=DE")
        assert "Nobody fits" in self.page("/partners?country=FR")
        assert "Nobody fits" in self.page("/partners?type=business&industry=retail")
        assert "Globex" in self.page("/partners?type=piracy&industry=piracy&country=XX&cursor=nonsense")

    def test_list_is_paged_and_asks_as_often_for_many_as_for_one(self, shown, by_operator, django_assert_num_queries):
        for number in range(30):
            partners.create(name=f"Partner {number:02}", by=by_operator, active=True, industries=["retail"])
        client = Client()
        client.get("/partners")
        with django_assert_num_queries(2):
            first = client.get("/partners?industry=retail").content.decode()
        following = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
        assert "industry=retail" in following
        second = client.get(f"/partners{following}").content.decode()
        assert ("Partner 05" in first, "Partner 29" in first) == (True, False)
        assert ("Partner 05" in second, "Partner 29" in second) == (False, True)
