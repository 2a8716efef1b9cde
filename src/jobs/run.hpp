// One run of a job: what it is about, how it says how far it is, and how it learns that it should
// stop. Handlers see it as JobRun<Payload>, see jobs.hpp.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>

#include <base/task.hpp>
#include <base/words.hpp>
#include <describe/codec.hpp>
#include <pg/database.hpp>

namespace haat {

/// Thrown by a handler; the text is for operators and is kept with the job. It is tried again
/// unless it is final.
class JobFailed : public std::exception {
public:
    enum class Again : std::uint8_t { yes, no };
    explicit JobFailed(std::string text, Again again = Again::yes)
        : text_(std::move(text)), again_(again) {}
    char const* what() const noexcept override { return text_.c_str(); }
    bool final() const { return again_ == Again::no; }

private:
    std::string text_;
    Again again_;
};

enum class StopReason : std::uint8_t {
    none,
    cancelled, // by an operator
    timed_out, // it took longer than its kind may
    draining,  // the process stops; it will be run again
    lost       // the lease: another process has it, or will
};

/// Thrown by what a handler calls when it should stop.
class JobStopped : public std::exception {
public:
    explicit JobStopped(StopReason reason) : reason_(reason) {}
    StopReason reason() const { return reason_; }
    char const* what() const noexcept override { return "the job was told to stop"; }

private:
    StopReason reason_;
};

/// What handlers need of the program beside the database: `services.add(mailer)`, and in a handler
/// `run.get<Mailer>()`. Filled before the workers start; what is in it outlives them.
class Services {
public:
    template <class Service> void add(Service& service) {
        all_[std::type_index(typeid(Service))] = &service;
    }
    template <class Service> Service& get() const {
        auto const found = all_.find(std::type_index(typeid(Service)));
        if (found == all_.end()) missing(typeid(Service).name());
        return *static_cast<Service*>(found->second);
    }

private:
    [[noreturn]] static void missing(char const* name);
    std::unordered_map<std::type_index, void*> all_;
};

/// How a batch went; see JobBatch.
struct BatchFacts {
    std::int32_t total = 0;
    std::int32_t failed = 0;
};
HAAT_DESCRIBE(BatchFacts, total, failed)

namespace jobs {
struct Run;
/// By Job: reads the payload; throws JobFailed when it does not fit.
void read_payload(Run const& run, describe::Shape const& shape, void* into);
} // namespace jobs

class AnyJobRun {
public:
    explicit AnyJobRun(jobs::Run& run) : run_(&run) {}
    AnyJobRun(AnyJobRun const&) = delete;

    Uuid id() const;
    int attempt() const; // from 1
    std::optional<Uuid> org() const;
    template <class Service> Service& get() const { return services().get<Service>(); }

    /// Single statements, with the worker's rights: `co_await run.read()(query, …)`. Throws
    /// JobStopped.
    pg::Reader read();
    pg::Database& database();
    pg::Settings const& settings() const;

    /// A transaction with the worker's rights; end it with commit() or finish(). Throws JobStopped.
    Tx begin();
    /// Commits, unless the job was taken away meanwhile: then nothing of it happens, and JobStopped
    /// is thrown.
    Task<void> commit(Tx& tx);
    /// The same and, in the same transaction, the job is done: it will not be run again.
    Task<void> finish(Tx& tx) { return finish_with(tx, {}); }
    template <class Result> Task<void> finish(Tx& tx, Result const& result) {
        return finish_with(tx, describe::to_json(result));
    }

    /// How far it is, for people; at most five a second are written. Throws JobStopped.
    Task<void> progress(int percent, std::string note);

    /// Ends at once when the job should stop. Throws JobStopped.
    Task<void> rest(std::chrono::milliseconds how_long);
    StopReason stopping() const;
    /// Throws JobStopped when it should stop: long computations call it now and then.
    void check() const;

    /// In the job that a batch ran when it had ended: how it went.
    Task<BatchFacts> batch();

private:
    Services const& services() const;
    Task<void> finish_with(Tx& tx, std::string result);
    Task<void> end(Tx& tx);
    jobs::Run* run_;
};

} // namespace haat
