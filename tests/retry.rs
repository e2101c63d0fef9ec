//! Failures and what is done about them.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::content::Piece;
use common::network::PASSING;
use common::{Call, Fault, Habits, MB, Setup, Sim, State};
use vodupload::{Config, Event, Input, RetryPolicy};

const CALLS: [Call; 5] = [Call::Initiate, Call::Part, Call::Complete, Call::List, Call::Put];

fn world(size: u64) -> (Sim, vodupload::FileId) {
    Sim::started(Setup::default(), size)
}

fn hasty(count: u32) -> Setup {
    let retry = RetryPolicy { count, duration: Duration::ZERO };
    let config = Config { part_size: Some(MB), retry, ..Config::default() };
    Setup { config, ..Setup::default() }
}

#[test]
fn one_fault_of_any_kind_at_any_call_is_survived() {
    for call in CALLS {
        for fault in PASSING {
            let habits = Habits { hides_headers: call == Call::List, ..Habits::default() };
            let size = if call == Call::Put { MB } else { 4 * MB };
            let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, size);
            sim.fault(call, 0..1, fault);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded, "{fault:?} at {call:?}");
        }
    }
}

#[test]
fn a_lost_reply_to_complete_is_a_success() {
    for fault in [Fault::DropAfter, Fault::Mangle, Fault::Dawdle] {
        let (mut sim, file) = world(4 * MB);
        sim.fault(Call::Complete, 0..1, fault);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Part), 4, "{fault:?}: no byte is sent twice");
        assert_eq!(sim.count(Call::Initiate), 1, "{fault:?}");
    }
}

#[test]
fn a_lost_reply_that_may_not_be_confirmed_begins_anew() {
    let habits = Habits { forbids_head: true, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 4 * MB);
    sim.fault(Call::Complete, 0..1, Fault::DropAfter);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (1, 2));
}

#[test]
fn an_older_object_is_not_taken_for_the_lost_one() {
    let (mut sim, file) = world(4 * MB);
    sim.fault(Call::Complete, 0..1, Fault::DropBefore);
    sim.fault(Call::Complete, 1..2, Fault::Gone);
    sim.run_until(|sim| sim.count(Call::Complete) == 1);
    let key = sim.cloud.meant.keys().next().expect("granted").clone();
    sim.cloud.objects.insert(key, vec![Piece { file: 9, range: 0..7 }]);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "the witness saw the whole object");
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (1, 2));
}

#[test]
fn an_upload_gone_without_a_lost_reply_is_not_looked_for() {
    let (mut sim, file) = world(4 * MB);
    sim.fault(Call::Complete, 0..1, Fault::Gone);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Head), sim.count(Call::Part)), (0, 8));
}

#[test]
fn an_upload_that_is_gone_again_and_again_is_given_up() {
    let (mut sim, file) = world(4 * MB);
    sim.fault(Call::Part, 0..usize::MAX, Fault::Gone);
    sim.run();
    assert_eq!(sim.failure(file), Some("NoSuchUpload"));
    assert_eq!(sim.count(Call::Initiate), 3);
}

#[test]
fn a_stalled_part_is_sent_again_after_the_timeout() {
    let (mut sim, file) = world(4 * MB);
    sim.fault(Call::Part, 1..2, Fault::Stall);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Part), 5);
}

#[test]
fn a_slow_part_is_no_stalled_one() {
    let (mut sim, file) = Sim::started(Setup { bandwidth: 2_000, ..Setup::default() }, 3 * MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Part), 3, "each takes nine minutes");
}

#[test]
fn a_part_that_nobody_sees_move_is_given_the_time_that_a_slow_link_takes() {
    for (size, call) in [(3 * MB, Call::Part), (MB, Call::Put)] {
        for (rate, attempts) in [(16 << 10, size.div_ceil(MB)), (0, size.div_ceil(MB))] {
            // 105 s a part; without a host that tells, a minute would be all.
            let mut setup = Setup { bandwidth: 10_000, ..Setup::default() };
            setup.config.unseen_rate = rate;
            let (mut sim, file) = Sim::started(setup, size);
            sim.run();
            assert_eq!((sim.state(file), sim.count(call) as u64), (State::Succeeded, attempts));
        }
    }
    let mut setup = hasty(3);
    setup.config.unseen_rate = 16 << 10;
    let (mut sim, file) = Sim::started(setup, 30 * MB);
    let begun = sim.now;
    sim.fault(Call::Part, 10..11, Fault::Stall);
    sim.run_until(|sim| sim.state(file) == State::Succeeded);
    assert!(sim.now - begun < 90_000, "the link was known to be faster: {}", sim.now - begun);
}

#[test]
fn what_timed_out_leaves_its_slot_at_once() {
    let mut setup = hasty(3);
    setup.config.requests = 1;
    for call in CALLS {
        let size = if call == Call::Put { MB } else { 3 * MB };
        let (mut sim, file) = Sim::started(setup.clone(), size);
        sim.fault(call, 0..1, Fault::Stall);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{call:?}");
    }
}

#[test]
fn a_part_that_keeps_failing_uses_up_its_budget() {
    for fault in [Fault::DropBefore, Fault::Trouble, Fault::Throttle, Fault::Stall] {
        let (mut sim, file) = world(6 * MB);
        sim.faults.script_part(3, usize::MAX, fault);
        sim.run();
        assert_eq!(sim.state(file), State::Failed, "{fault:?}");
        let before = sim.count(Call::Part);
        assert!((9..=5 + 4 * 4).contains(&before), "{fault:?}: {before}");
        sim.heal();
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Part), before + 1, "only what was missing is sent again");
    }
}

#[test]
fn a_budget_is_not_used_up_while_other_parts_succeed() {
    let mut setup = hasty(3);
    setup.config.parallel = 2;
    let (mut sim, file) = Sim::started(setup, 200 * MB);
    sim.faults.script_part(3, 40, Fault::Throttle);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Part), 240);
}

#[test]
fn a_dead_network_is_not_asked_for_every_part() {
    let (mut sim, file) = world(500 * MB);
    sim.pass(1_000);
    let before = sim.count(Call::Part);
    sim.disconnect(false);
    sim.run();
    assert_eq!(sim.failure(file), Some("NetworkError"));
    // Two minutes of patience, and a try of five parts every five seconds at most.
    let tries = sim.count(Call::Part) - before;
    assert!(tries <= 5 * (4 + 24), "{tries}");
    let parts: BTreeSet<_> = sim.sent.iter().rev().take(tries).map(|sent| sent.number).collect();
    assert!(parts.len() <= 6, "the same few parts: {parts:?}");
}

#[test]
fn offline_failures_do_not_use_up_the_budget() {
    let (mut sim, file) = world(20 * MB);
    sim.pass(500);
    sim.disconnect(true);
    sim.pass(3_600_000);
    assert_eq!(sim.state(file), State::Active);
    let waited = sim.now;
    sim.reconnect();
    sim.run_until(|sim| sim.state(file) == State::Succeeded);
    assert!(sim.now - waited < 5_000, "what waited was tried at once");
}

#[test]
fn offline_nothing_is_tried_in_a_hurry() {
    let (mut sim, _) = Sim::started(hasty(3), 20 * MB);
    sim.pass(500);
    sim.disconnect(true);
    let before = sim.sent.len();
    sim.pass(60_000);
    assert!(sim.sent.len() - before <= 5 * 13, "{}", sim.sent.len() - before);
}

#[test]
fn a_wrong_clock_both_ways_is_corrected() {
    let day = 86_400_000;
    for skew in [-400 * day, -2 * 3_600_000, 16 * 60_000, 400 * day] {
        let (mut sim, file) = Sim::started(Setup { skew, ..Setup::default() }, 8 * MB);
        let other = sim.add(MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{skew}");
        assert_eq!(sim.state(other), State::Succeeded, "{skew}");
        assert_eq!(sim.count(Call::Initiate), 2, "the rest is signed with the right time");
        assert_eq!(sim.count(Call::Part) + sim.count(Call::Put), 9);
    }
}

#[test]
fn a_clock_that_cannot_be_corrected_fails_the_file() {
    for call in [Call::Put, Call::Initiate, Call::Part, Call::Complete] {
        let size = if call == Call::Put { MB } else { 4 * MB };
        let (mut sim, file) = world(size);
        sim.fault(call, 0..usize::MAX, Fault::Skew);
        sim.run();
        assert_eq!(sim.failure(file), Some("RequestTimeTooSkewed"), "{call:?}");
        assert!(sim.count(call) <= 8, "{call:?}: {}", sim.count(call));
    }
}

#[test]
fn a_device_that_slept_goes_on() {
    let (mut sim, file) = world(20 * MB);
    sim.pass(700);
    sim.now += 8 * 3_600_000;
    sim.setup.life = u64::MAX / 4;
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
}

#[test]
fn parts_that_the_storage_disowns_are_listed_and_only_the_missing_ones_sent() {
    for (fault, again) in
        [(Fault::InvalidPart, 0), (Fault::LosePart, 1), (Fault::Swap, 1), (Fault::Shrink, 1)]
    {
        let (mut sim, file) = world(8 * MB);
        sim.fault(Call::Complete, 0..1, fault);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{fault:?}");
        assert_eq!(sim.count(Call::Part), 8 + again, "{fault:?}");
        assert_eq!(sim.count(Call::List), 1, "{fault:?}");
    }
}

#[test]
fn parts_of_another_size_are_missing_though_their_etags_are_not_known() {
    let habits = Habits { hides_headers: true, ..Habits::default() };
    let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 8 * MB);
    sim.fault(Call::List, 0..1, Fault::Shrink);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Part), 9);
}

#[test]
fn a_storage_that_disowns_parts_for_ever_is_given_up() {
    for forbids_list in [false, true] {
        let habits = Habits { forbids_list, ..Habits::default() };
        let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, 4 * MB);
        sim.fault(Call::Complete, 0..usize::MAX, Fault::InvalidPart);
        sim.run();
        assert_eq!(
            sim.failure(file),
            Some(if forbids_list { "AccessDenied" } else { "InvalidPart" })
        );
        assert_eq!(sim.count(Call::Initiate), 3);
    }
}

#[test]
fn what_will_never_work_is_not_tried_again() {
    let refused = [Call::Initiate, Call::Part, Call::Complete, Call::Put];
    for (call, fault, code) in refused
        .map(|call| (call, Fault::Refuse, "AccessDenied"))
        .into_iter()
        .chain([Call::Part, Call::Put].map(|call| (call, Fault::Unreadable, "ReadFileError")))
    {
        let size = if call == Call::Put { MB } else { 3 * MB };
        let (mut sim, file) = world(size);
        let next = sim.add(2 * MB);
        sim.fault(call, 0..1, fault);
        sim.run();
        assert_eq!(sim.failure(file), Some(code), "{call:?}");
        assert_eq!(sim.state(next), State::Succeeded, "the queue goes on");
        assert_eq!(sim.heard(|event| matches!(event, Event::Finished { .. })), 1);
    }
}

#[test]
fn the_unluckiest_part_does_not_decide_for_the_file() {
    // One part fails as often as it may while the others hang; then they go on.
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    let attempts = sim.setup.config.retry.count as usize + 1;
    sim.faults.script_part(1, attempts, Fault::DropBefore);
    for part in 2..=5 {
        sim.faults.script_part(part, 1, Fault::Stall);
    }
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
}
