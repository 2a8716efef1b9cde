#include <audit/verify.hpp>

#include <array>
#include <map>

#include <sodium/crypto_hash_sha256.h>

#include <pg/plain.hpp>

namespace haat::audit {

namespace {

using Row = pg::PlainConnection::Row;
using Hash = std::array<unsigned char, crypto_hash_sha256_BYTES>;

constexpr std::size_t damages_max = 1'000;

// What audit.content() of the migrations says, in words of our own: whoever changed that function
// is found out as well.
constexpr char const* links_sql = R"(
    select l.chain, l.place, l.entry_id, encode(l.hash, 'hex'),
           case when e.id is not null then jsonb_build_array(
               coalesce(e.org_id, '00000000-0000-0000-0000-000000000000'), l.place, e.id,
               (extract(epoch from e.at) * 1000000)::bigint, e.user_id, e.org_id, e.action,
               e.operation, e.entity, e.entity_id, e.changes, e.address, e.user_agent,
               e.request_id)::text end
      from audit.links l left join audit.entries e on e.id = l.entry_id
     where (l.chain, l.place) > ($1::uuid, $2::bigint)
     order by l.chain, l.place limit 5000)";
constexpr char const* heads_sql = "select chain, place, encode(hash, 'hex') from audit.heads";
constexpr char const* slipped_in_sql = R"(
    select coalesce(e.org_id, '00000000-0000-0000-0000-000000000000'), e.id
      from audit.entries e, audit.sealer s
     where (e.transaction_id, e.id) <= (s.transaction_id, s.entry_id)
       and not exists (select from audit.links l where l.entry_id = e.id)
     order by e.id limit 1000)";
constexpr char const* waiting_sql = R"(
    select count(*) from audit.entries e, audit.sealer s
     where (e.transaction_id, e.id) > (s.transaction_id, s.entry_id)
       and not exists (select from audit.links l where l.entry_id = e.id))";

struct End {
    std::int64_t position = 0;
    std::string hash;
};

std::string hex_of(Hash const& hash) {
    constexpr char const* digits = "0123456789abcdef";
    std::string text;
    for (unsigned char const byte : hash) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

int value_of(char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; }

std::string bytes_of(std::string const& hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(value_of(hex[i]) * 16 + value_of(hex[i + 1]));
    return bytes;
}

std::string next_hash(std::string const& before_hex, std::string const& content) {
    std::string const text = bytes_of(before_hex) + content;
    Hash hash;
    crypto_hash_sha256(hash.data(), reinterpret_cast<unsigned char const*>(text.data()),
                       text.size());
    return hex_of(hash);
}

class Walk {
public:
    explicit Walk(pg::PlainConnection& db) : db_(db) {}

    Verdict whole() {
        for (Row const& row : db_.ask(heads_sql)) heads_[*row[0]] = {std::stoll(*row[1]), *row[2]};
        std::string chain = "00000000-0000-0000-0000-000000000000";
        std::string position = "0";
        for (auto rows = db_.ask(links_sql, {chain, position}); !rows.empty();
             rows = db_.ask(links_sql, {chain, position})) {
            for (Row const& row : rows) look_at(row);
            chain = *rows.back()[0];
            position = *rows.back()[1];
        }
        end_chain();
        for (auto const& [left, head] : heads_) found(Finding::chain_shortened, left, 1, {});
        for (Row const& row : db_.ask(slipped_in_sql))
            found(Finding::row_slipped_in, *row[0], {}, std::stoll(*row[1]));
        verdict_.waiting = std::stoll(db_.word(waiting_sql));
        return std::move(verdict_);
    }

private:
    void look_at(Row const& row) {
        if (*row[0] != chain_) {
            end_chain();
            chain_ = *row[0];
            last_ = {0, std::string(64, '0')};
            ++verdict_.chains;
        }
        std::int64_t const position = std::stoll(*row[1]);
        std::int64_t const entry = std::stoll(*row[2]);
        ++verdict_.sealed;
        // What comes behind a gap can only be judged from there on.
        bool const gap = position != last_.position + 1;
        if (gap) found(Finding::seal_removed, chain_, last_.position + 1, {});
        if (!row[4])
            found(Finding::row_removed, chain_, position, entry);
        else if (!gap && next_hash(last_.hash, *row[4]) != *row[3])
            found(Finding::row_changed, chain_, position, entry);
        last_ = {position, *row[3]};
    }

    void end_chain() {
        if (chain_.empty()) return;
        auto const head = heads_.find(chain_);
        if (head == heads_.end()) {
            found(Finding::head_removed, chain_, last_.position, {});
            return;
        }
        if (head->second.position != last_.position || head->second.hash != last_.hash)
            found(Finding::chain_shortened, chain_, last_.position + 1, {});
        heads_.erase(head);
    }

    void found(Finding finding, std::string const& chain, std::optional<std::int64_t> position,
               std::optional<std::int64_t> entry) {
        verdict_.ok = false;
        if (verdict_.damages.size() >= damages_max) return;
        Damage damage{finding, {}, position, entry};
        parse(chain, damage.chain);
        verdict_.damages.push_back(damage);
    }

    pg::PlainConnection& db_;
    std::map<std::string, End> heads_; // of chains that were not walked yet
    std::string chain_;
    End last_;
    Verdict verdict_;
};

} // namespace

Verdict verify(pg::PlainConnection& owner) {
    owner.run("begin isolation level repeatable read read only");
    try {
        Verdict verdict = Walk(owner).whole();
        owner.run("commit");
        return verdict;
    } catch (...) {
        owner.run("rollback");
        throw;
    }
}

} // namespace haat::audit
