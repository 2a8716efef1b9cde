// The three database roles, on a private cluster and on a database that was given.
#pragma once

#include <string>

namespace haat::pg {

struct ClusterState;

struct DatabaseUrls {
    std::string owner;   // migrations only
    std::string request; // HTTP
    std::string worker;  // jobs
};

/// What the environment says about a database that is not ours.
struct GivenDatabase {
    std::string url;         // DATABASE_URL: the owner
    std::string request_url; // DATABASE_REQUEST_URL, or empty
    std::string worker_url;  // DATABASE_WORKER_URL, or empty
    bool production = false;
};

/// Makes the roles haat_request and haat_worker when they are missing and the owner may create
/// roles; else takes the two URLs. Refuses roles that could bypass row-level security, and in
/// production a server that may lose what it confirmed. Throws ClusterError with cause and cure.
DatabaseUrls prepare_given(GivenDatabase const&);

/// The roles and the database `haat` on the private cluster, each made only when it is missing.
void prepare_private(std::string const& admin_url, ClusterState const&);

/// Only the owner and the two roles may connect; a copied database does not inherit that.
void restrict_database(class PlainConnection&, std::string const& database);

} // namespace haat::pg
