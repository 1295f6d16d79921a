// SPDX-License-Identifier: MIT
// JSON of other programs, read with care: what has the wrong type is an Error with file and field.
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/file.hpp"

namespace report {

using nlohmann::json;
using tessera::fail;
using tessera::require;

inline constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// Throws Error with `where` and the parser's reason.
inline json parse_json(std::string_view words, const std::string& where) {
    try {
        return json::parse(words);
    } catch (const json::exception& error) {
        const std::string reason = error.what();  // "[json.exception.parse_error.101] parse error"
        const std::size_t end = reason.find("] ");
        fail(where,
             ": not valid JSON: ", end == std::string::npos ? reason : reason.substr(end + 2));
    }
}

inline json read_json(const std::string& path) {
    const std::vector<std::uint8_t> bytes = tessera::read_file(path);
    return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

/// The fields of a JSON object. `where` is the file, or the file and the line.
class Fields {
public:
    Fields(json object, std::string where) : object_(std::move(object)), where_(std::move(where)) {
        require(object_.is_object(), where_, ": found ", a(object_), ", expected a JSON object");
    }

    const json& all() const { return object_; }
    const std::string& where() const { return where_; }
    bool has(const char* name) const { return object_.contains(name); }

    /// NaN where the field is missing or null, which is how NaN is written.
    double number(const char* name) const {
        const auto found = object_.find(name);
        if (found == object_.end()) return missing;
        return as_number(*found, name);
    }
    /// `otherwise` where the field is missing.
    std::string words(const char* name, std::string otherwise = "") const {
        const auto found = object_.find(name);
        if (found == object_.end()) return otherwise;
        if (!found->is_string()) wrong(*found, name, "a text");
        return found->get<std::string>();
    }
    std::vector<double> numbers(const char* name) const {
        std::vector<double> values;
        for (const json& value : list(name)) values.push_back(as_number(value, name));
        return values;
    }
    std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> values;
        for (const json& value : list(name)) {
            if (!value.is_string()) wrong(value, name, "texts");
            values.push_back(value.get<std::string>());
        }
        return values;
    }
    /// An object below this one; without fields where it is missing.
    Fields object(const char* name) const {
        return {has(name) ? object_.at(name) : json::object(), where_ + ": field '" + name + "'"};
    }
    /// The objects of a list; none where it is missing.
    std::vector<Fields> objects(const char* name) const {
        std::vector<Fields> values;
        for (const json& value : list(name)) {
            values.emplace_back(value, where_ + ": field '" + name + "'");
        }
        return values;
    }

private:
    static std::string a(const json& value) {
        const std::string name = value.type_name();
        return (name.find_first_of("aeiou") == 0 ? "an " : "a ") + name;
    }
    [[noreturn]] void wrong(const json& value, const char* name, const char* expected) const {
        fail(where_, ": field '", name, "': found ", a(value), ", expected ", expected);
    }
    double as_number(const json& value, const char* name) const {
        if (value.is_null()) return missing;
        if (!value.is_number()) wrong(value, name, "a number");
        return value.get<double>();
    }
    const json& list(const char* name) const {
        static const json none = json::array();
        const auto found = object_.find(name);
        if (found == object_.end()) return none;
        if (!found->is_array()) wrong(*found, name, "a list");
        return *found;
    }

    json object_;
    std::string where_;
};

/// A JSON value as a reader wants it: texts without quotes, lists with commas, the rest as JSON.
inline std::string plain(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array()) {
        std::string joined;
        for (const json& item : value) joined += (joined.empty() ? "" : ", ") + plain(item);
        return joined;
    }
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace report
