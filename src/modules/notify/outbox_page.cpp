// A page for developers: what would have been sent, were there anybody to send it.
#include <http/routes.hpp>
#include <modules/notify/errors.hpp>
#include <modules/notify/markup.hpp>
#include <modules/notify/model.hpp>
#include <modules/notify/outbox_page.hpp>

namespace haat::notify {

namespace {

namespace sql {
Many<OutboxRow> const outbox{"notify.outbox", R"(
    select {row} from notify.dev_outbox order by id desc limit 100)"};
} // namespace sql

std::string shown(OutboxRow const& row) {
    std::string text;
    text.append("<article><h2>").append(escaped(row.channel)).append(" to ");
    text.append(escaped(row.recipient)).append("</h2><p><b>");
    text.append(escaped(row.subject)).append("</b></p><pre>").append(escaped(row.body));
    text.append("</pre>");
    // A page of its own without scripts, forms or an origin.
    if (row.html)
        text.append("<iframe sandbox title=\"HTML\" srcdoc=\"")
            .append(escaped(*row.html))
            .append("\"></iframe>");
    text.append("<p><small>").append(to_string(row.message_id)).append("</small></p></article>");
    return text;
}

Task<Reply<None>> show_outbox(NotifyFacts& facts, Call<>& call) {
    OutboxCaller const caller{facts.production, call.request().from_loopback,
                              call.actor().is_admin()};
    if (!shows_outbox(caller)) throw Refusal(outbox_hidden);
    std::vector<OutboxRow> const rows = co_await call.read(sql::outbox);
    Reply<None> answer;
    answer.data = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>haat: outbox"
                  "</title><style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;"
                  "padding:0 1rem}article{border-top:1px solid #999}pre{white-space:pre-wrap}"
                  "iframe{width:100%;height:14rem;border:1px solid #ccc}</style>"
                  "<h1>What would have been sent</h1>";
    if (rows.empty()) answer.data += "<p>Nothing yet.</p>";
    for (OutboxRow const& row : rows) answer.data += shown(row);
    answer.content_type = "text/html; charset=utf-8";
    answer.header("Cache-Control", "no-store");
    co_return answer;
}

} // namespace

bool shows_outbox(OutboxCaller const& caller) {
    return !caller.production && (caller.here || caller.admin);
}

void add_outbox_page(Routes& routes, NotifyFacts& facts) {
    Routes root = routes.root("Operations");
    root.get("/dev/outbox", &show_outbox, facts, "In development: what would have been sent")
        .open()
        .bare("text/html")
        .refuses(outbox_hidden);
}

} // namespace haat::notify
