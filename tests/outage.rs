//! A network that is away for a while, or that is too weak for what is sent.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::time::Duration;

use common::{Call, Fault, MB, Setup, Sim, State};
use vodupload::{Event, FileId, Input, RetryPolicy};

fn failures(sim: &Sim) -> usize {
    sim.heard(|event| matches!(event, Event::Failed { .. }))
}

/// A file in mid-upload, with five parts in flight.
fn in_mid_upload(setup: Setup) -> (Sim, FileId) {
    let (mut sim, file) = Sim::started(setup, 40 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    (sim, file)
}

fn parts_sent_more_than_once(sim: &Sim) -> usize {
    let numbers = 1..=40;
    let times = |number| sim.sent.iter().filter(|sent| sent.number == number).count();
    numbers.filter(|number| times(*number) > 1).count()
}

#[test]
fn an_outage_of_a_minute_in_mid_upload_is_waited_out() {
    for notices_after in [None, Some(0), Some(20_000)] {
        for sts in [false, true] {
            let (mut sim, file) = in_mid_upload(Setup { sts, ..Setup::default() });
            sim.disconnect(false);
            let away = notices_after.unwrap_or(60_000).min(60_000);
            sim.pass(away);
            if notices_after.is_some() {
                sim.give(Input::Offline);
                sim.pass(60_000 - away);
                sim.reconnect();
            } else {
                sim.is_back(); // no event tells it
            }
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded, "{notices_after:?}");
            assert_eq!((failures(&sim), sim.count(Call::Initiate)), (0, 1));
            let again = parts_sent_more_than_once(&sim);
            assert!(again <= 5, "only parts in flight are sent again: {again}");
        }
    }
}

#[test]
fn an_outage_of_three_minutes_fails_the_file_and_a_start_goes_on() {
    let (mut sim, file) = in_mid_upload(Setup::default());
    let before = sim.now;
    sim.disconnect(false);
    sim.run();
    assert_eq!(sim.failure(file), Some("NetworkError"));
    let waited = sim.now - before;
    assert!((110_000..200_000).contains(&waited), "{waited} ms");
    sim.reconnect();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn an_outage_is_no_hurry() {
    let mut setup = Setup::default();
    setup.config.retry.duration = Duration::ZERO;
    let (mut sim, _) = in_mid_upload(setup);
    sim.disconnect(false);
    let before = sim.sent.len();
    sim.pass(60_000);
    // Four attempts at once, then one in five seconds.
    assert!(sim.sent.len() - before <= 5 * (4 + 12), "{}", sim.sent.len() - before);
}

#[test]
fn before_the_first_answer_the_documented_attempts_count() {
    for sts in [false, true] {
        let (mut sim, file) = Sim::started(Setup { sts, ..Setup::default() }, 8 * MB);
        sim.disconnect(false);
        sim.run_until(|sim| sim.state(file) == State::Failed);
        assert_eq!((sim.failure(file), sim.sent.len()), (Some("NetworkError"), 4));
        let waited = sim.now - sim.sent[0].at;
        assert!((7_000..30_000).contains(&waited), "2 + 4 + 8 s on average: {waited}");
    }
}

#[test]
fn a_new_start_has_to_hear_an_answer_of_its_own() {
    let (mut sim, file) = in_mid_upload(Setup::default());
    sim.give(Input::Stop);
    sim.disconnect(false);
    let before = sim.sent.len();
    sim.give(Input::Start);
    sim.run();
    // The list first; it may be CORS that hides it, so the parts are tried, too.
    let most = 4 + 4 * 4;
    assert_eq!((sim.failure(file), sim.sent.len() - before), (Some("NetworkError"), most));
}

#[test]
fn a_list_that_is_never_heard_is_done_without() {
    let (mut sim, file) = in_mid_upload(Setup::default());
    sim.reload();
    sim.fault(Call::List, 0..usize::MAX, Fault::DropAfter);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn an_application_that_wants_no_repetition_gets_none_in_an_outage_either() {
    let mut setup = Setup::default();
    setup.config.retry = RetryPolicy { count: 0, duration: Duration::ZERO };
    let (mut sim, file) = in_mid_upload(setup);
    let before = (sim.sent.len(), sim.now);
    sim.disconnect(false);
    sim.run_until(|sim| sim.state(file) != State::Active);
    assert_eq!(sim.failure(file), Some("NetworkError"));
    assert_eq!((sim.sent.len(), sim.now), before, "at once");
}

#[test]
fn an_answer_of_any_kind_shows_that_the_network_is_there() {
    // A service that refuses for a while is no outage: the attempts count.
    let (mut sim, file) = in_mid_upload(Setup::default());
    sim.fault(Call::Part, 0..usize::MAX, Fault::Trouble);
    sim.run();
    assert_eq!(sim.failure(file), Some("InternalError"));
}

/// The most requests at once until `reached`.
fn at_once(sim: &mut Sim, reached: impl Fn(&Sim) -> bool) -> usize {
    let mut most = 0;
    while !reached(sim) && sim.step() {
        most = most.max(sim.witness.unanswered().len());
    }
    most
}

fn stored(sim: &Sim) -> usize {
    sim.cloud.uploads.values().map(|upload| upload.parts.len()).sum()
}

#[test]
fn what_stalls_or_is_refused_for_haste_is_halved_until_something_succeeds() {
    for fault in [Fault::Stall, Fault::Throttle] {
        let mut setup = Setup { bandwidth: MB, ..Setup::default() };
        (setup.config.parallel, setup.config.requests) = (4, 8);
        let (mut sim, file) = Sim::started(setup, 60 * MB);
        // Four that fail together are one reason, and not four.
        sim.fault(Call::Part, 0..4, fault);
        assert_eq!(at_once(&mut sim, |sim| sim.count(Call::Part) == 4), 4);
        sim.run_until(|sim| sim.count(Call::Part) == 6);
        assert_eq!(at_once(&mut sim, |sim| stored(sim) > 0), 2, "{fault:?}");
        assert_eq!(at_once(&mut sim, |sim| stored(sim) >= 20), 4, "{fault:?}");
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
    }
}

#[test]
fn a_stall_doubles_the_patience_up_to_eight_times() {
    let (mut sim, file) = Sim::started(Setup::default(), MB);
    sim.fault(Call::Put, 0..usize::MAX, Fault::Stall);
    sim.setup.config.retry.duration = Duration::ZERO;
    sim.run();
    assert_eq!(sim.failure(file), Some("ConnectionTimeoutError"));
    let at: Vec<_> = sim.sent.iter().map(|sent| sent.at).collect();
    let gaps: Vec<_> = at.windows(2).map(|pair| (pair[1] - pair[0]) / 60_000).collect();
    assert_eq!(gaps, [1, 2, 4], "minutes, with some seconds of waiting");
    assert!((sim.now - at[3]) / 60_000 == 8, "{}", sim.now - at[3]);
}
