// What users' events carry that identity does not send itself yet.
#pragma once

#include <describe/describe.hpp>

namespace haat::payloads {

struct UserUpdated {
    Uuid id;
    std::optional<Uuid> updated_by;
};
HAAT_DESCRIBE(UserUpdated, id, updated_by)

struct UserDeleted {
    Uuid id;
    std::optional<Uuid> deleted_by;
};
HAAT_DESCRIBE(UserDeleted, id, deleted_by)

} // namespace haat::payloads
