// Takes the files of one request into the store. Until the rows that refer to them are committed
// nobody sees them; an upload that fails takes back what it has brought.
#pragma once

#include <string>
#include <vector>

#include <files/intake.hpp>
#include <files/library.hpp>
#include <http/call.hpp>
#include <modules/documents/documents.hpp>

namespace haat::documents {

extern RefusalKind const file_missing; // 422

/// For whom, and what may come.
struct Terms {
    OrgId org;
    UserId owner;
    files::Purpose purpose = files::Purpose::document;
    std::string name; // of a body that is the file itself; empty: one is made up
    int files_max = 1;
};

struct Arrival {
    files::ObjectId object;
    std::string name;
    files::Received received;
};

class Reception {
public:
    Reception(Documents& documents, RawCall& call, Terms terms);

    /// Reads the body, a form or the file itself.
    Task<void> read();
    /// After something failed, here or later.
    Task<void> give_up();

    std::vector<Arrival> const& arrivals() const { return arrivals_; }
    Terms const& terms() const { return terms_; }
    /// A transaction for the organization of the terms, which need not be the caller's.
    Tx begin() const;

private:
    Task<void> read_form(std::string_view boundary);
    Task<void> read_raw();
    Task<std::string_view> next_piece();
    Task<std::unique_ptr<files::Intake>> expect(std::string name);
    Task<void> finish(files::Intake& intake);
    pg::Settings settings() const;

    Documents& documents_;
    RawCall& call_;
    Terms terms_;
    std::vector<Arrival> arrivals_;
};

/// The last part of a path, without what has no place in a name; "file" when nothing is left.
std::string tidy_name(std::string_view given);

} // namespace haat::documents
