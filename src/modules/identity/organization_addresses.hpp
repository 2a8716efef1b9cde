#pragma once

#include <http/resource.hpp>

namespace haat::identity {

struct AddressNoun {
    static constexpr std::string_view noun = "address";
};
using AddressId = Id<AddressNoun>;

struct NewAddress {
    Text<1, 50> label{"Office"};
    Text<1, 255> recipient_name;
    std::optional<Phone> phone;
    Text<1, 255> line1;
    std::optional<Text<0, 255>> line2;
    std::optional<Text<0, 255>> landmark;
    Text<1, 100> city;
    Text<1, 100> state;
    Text<1, 30> postal_code;
    Text<1, 100> country{"India"};
    std::optional<double> lat;
    std::optional<double> lng;
    bool is_default = false;
};
HAAT_DESCRIBE(NewAddress, label, recipient_name, phone, line1, line2, landmark, city, state,
              postal_code, country, lat, lng, is_default)
HAAT_DEFAULTS(NewAddress, label, country, is_default)
HAAT_NOTES(NewAddress, {.field = "recipient_name", .example = "Meera Joshi", .also = {"name"}},
           {.field = "line1", .example = "14 Laxmi Road", .also = {"address", "addressLine1"}},
           {.field = "line2", .also = {"addressLine2"}},
           {.field = "postal_code", .example = "411030", .also = {"zipCode", "pincode", "zip"}},
           {.field = "lat", .min = -90, .max = 90}, {.field = "lng", .min = -180, .max = 180})

struct Address : NewAddress {
    AddressId id;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(Address, id, label, recipient_name, phone, line1, line2, landmark, city, state,
              postal_code, country, lat, lng, is_default, created_at, updated_at)
HAAT_PERSONAL(Address, recipient_name, line1, line2, landmark, lat, lng)

struct AddressFilter {
    std::optional<bool> is_default;
    Paging paging;
};
HAAT_DESCRIBE(AddressFilter, is_default, paging)

} // namespace haat::identity
