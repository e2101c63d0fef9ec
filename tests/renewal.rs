//! Credentials: asked for once, used while they last, never used too early.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::time::Duration;

use common::{Call, Fault, Habits, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId, Input};

fn expiries(sim: &Sim) -> usize {
    sim.heard(|event| matches!(event, Event::CredentialExpired { .. }))
}

fn world(size: u64) -> (Sim, FileId) {
    Sim::started(Setup::default(), size)
}

/// A world that waits for its application for as long as it takes.
fn patient() -> Setup {
    let mut setup = Setup::default();
    setup.config.renewal_timeout = Duration::ZERO;
    setup
}

#[test]
fn three_parts_expiring_together_ask_for_one_credential() {
    for app_delay in [0, 50, 600_000] {
        let (mut sim, file) = Sim::started(Setup { app_delay, ..patient() }, 12 * MB);
        sim.fault(Call::Part, 2..5, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(expiries(&sim), 1, "asked for once, {app_delay} ms");
    }
}

#[test]
fn a_late_report_of_the_old_credential_does_not_end_the_new_one() {
    // Answers of one credential arrive over a second, the next one at once.
    let setup = Setup { app_delay: 0, latency: 10..1_000, ..Setup::default() };
    for seed in 0..50 {
        let (mut sim, file) = Sim::started(Setup { seed, ..setup.clone() }, 12 * MB);
        sim.fault(Call::Part, 2..3, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(expiries(&sim), 1);
    }
}

#[test]
fn every_call_can_be_the_one_that_finds_out() {
    let calls = [Call::Initiate, Call::Part, Call::List, Call::Complete, Call::Put, Call::Head];
    for call in calls {
        let habits = Habits { hides_headers: call == Call::List, ..Habits::default() };
        let size = if call == Call::Put { MB } else { 4 * MB };
        let (mut sim, file) = Sim::started(Setup { habits, ..Setup::default() }, size);
        if call == Call::Head {
            sim.fault(Call::Complete, 0..1, Fault::DropAfter);
        }
        sim.fault(call, 0..1, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{call:?}");
        assert_eq!(expiries(&sim), 1, "{call:?}");
        assert_eq!(sim.count(call), 2 + if call == Call::Part { 6 } else { 0 }, "{call:?}");
    }
}

#[test]
fn what_was_under_way_still_counts_while_a_credential_is_awaited() {
    let (mut sim, file) = Sim::started(Setup { app_delay: 60_000, ..patient() }, 5 * MB);
    sim.fault(Call::Part, 4..5, Fault::Expire);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(sim.count(Call::Part) <= 5 + 5);
}

#[test]
fn a_long_file_outlives_many_credentials() {
    let setup = Setup { life: 5_000, bandwidth: MB, ..Setup::default() };
    let (mut sim, file) = Sim::started(setup, 200 * MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(expiries(&sim) >= 6);
    assert!(sim.count(Call::Part) <= 200 + 5 * expiries(&sim));
}

#[test]
fn a_credential_that_is_over_when_it_comes_is_asked_for_again() {
    let (mut sim, file) = world(4 * MB);
    sim.manners.extend([Manner::Expired, Manner::Expired]);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(expiries(&sim), 2);
}

#[test]
fn an_application_that_gives_only_dead_credentials_is_told_so() {
    let (mut sim, file) = world(4 * MB);
    sim.manners.extend([Manner::Expired; 20]);
    sim.run();
    assert_eq!(sim.failure(file), Some("SecurityTokenExpired"));
    assert_eq!(expiries(&sim), 3);
    sim.manners.clear();
    sim.manners.push_back(Manner::Expired);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "a new start has a new budget");
}

#[test]
fn ever_new_videos_that_take_no_byte_are_given_up() {
    let (mut sim, file) = world(4 * MB);
    sim.fault(Call::Part, 0..usize::MAX, Fault::Expire);
    sim.manners.extend([Manner::Elsewhere; 100]);
    sim.run();
    assert_eq!(sim.failure(file), Some("SecurityTokenExpired"));
    assert_eq!(expiries(&sim), 3);
}

#[test]
fn a_renewal_goes_on_with_the_same_upload() {
    for manner in [Manner::Good, Manner::Bare] {
        let (mut sim, file) = world(12 * MB);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.manners.extend([Manner::Good, manner]);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Initiate), 1, "{manner:?}");
    }
}

#[test]
fn a_renewal_to_another_object_begins_anew() {
    for size in [MB, 12 * MB] {
        let (mut sim, file) = world(size);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.fault(Call::Put, 0..1, Fault::Expire);
        sim.manners.extend([Manner::Good, Manner::Elsewhere]);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.cloud.objects.len(), 1);
        assert!(sim.cloud.objects.contains_key("sv/1/v2 测试+(a).mp4"), "the new one");
    }
}

#[test]
fn rubbish_fails_the_file_and_a_new_start_asks_again() {
    let (mut sim, file) = world(4 * MB);
    let next = sim.add(MB);
    sim.manners.push_back(Manner::Rubbish);
    sim.run();
    assert_eq!(sim.failure(file), Some("InvalidUploadAuth"));
    assert_eq!(sim.state(next), State::Succeeded);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
}

#[test]
fn rubbish_for_a_renewal_keeps_what_is_stored() {
    let (mut sim, file) = world(12 * MB);
    sim.fault(Call::Part, 7..8, Fault::Expire);
    sim.manners.extend([Manner::Good, Manner::Rubbish]);
    sim.run();
    assert_eq!(sim.failure(file), Some("InvalidUploadAuth"));
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn a_new_upload_needs_an_address() {
    let (mut sim, file) = world(4 * MB);
    sim.manners.push_back(Manner::Bare);
    sim.run();
    assert_eq!(sim.failure(file), Some("InvalidUploadAddress"));
}

#[test]
fn nothing_is_sent_without_a_credential() {
    let (mut sim, file) = world(4 * MB);
    sim.manners.push_back(Manner::Never);
    sim.run();
    assert_eq!((sim.state(file), sim.sent.len()), (State::Active, 0));
    sim.pass(86_400_000);
    assert_eq!(sim.sent.len(), 0);
    let late = sim.grant(file, Manner::Good, None);
    sim.give(late);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
}

#[test]
fn a_renewal_that_never_comes_can_be_left() {
    let file = FileId(1);
    for (input, state) in [
        (Input::Stop, State::Stopped),
        (Input::Cancel(file), State::Canceled),
        (Input::Remove(file), State::Removed),
    ] {
        let (mut sim, file) = Sim::started(patient(), 12 * MB);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.manners.extend([Manner::Good, Manner::Never]);
        sim.run();
        assert_eq!(sim.state(file), State::Active);
        sim.give(input);
        assert_eq!(sim.state(file), state);
        let before = sim.sent.len();
        let late = sim.grant(file, Manner::Good, None);
        sim.give(late);
        sim.run();
        assert_eq!(sim.sent.len(), before, "late credentials are ignored");
    }
}

#[test]
fn late_credentials_are_ignored() {
    let ends: [fn(&mut Sim, FileId); 5] = [
        |_, _| {},
        |sim, _| sim.give(Input::Stop),
        |sim, file| sim.give(Input::Cancel(file)),
        |sim, _| sim.run(),
        |sim, _| {
            sim.fault(Call::Part, 0..9, Fault::Refuse);
            sim.run();
        },
    ];
    for (index, end) in ends.into_iter().enumerate() {
        let (mut sim, file) = world(8 * MB);
        sim.run_until(|sim| sim.count(Call::Initiate) == 1);
        end(&mut sim, file);
        let (sent, events, state) = (sim.sent.len(), sim.events.len(), sim.state(file));
        let late = sim.grant(file, Manner::Elsewhere, None);
        sim.give(late);
        assert_eq!((sim.sent.len(), sim.events.len()), (sent, events), "{index}");
        assert_eq!(sim.state(file), state, "{index}");
    }
}

#[test]
fn one_files_credential_is_not_anothers() {
    let mut setup = Setup::default();
    setup.config.file_parallel = 3;
    let mut sim = Sim::new(setup);
    let files: Vec<_> = (1..4).map(|size| sim.add(size * 4 * MB)).collect();
    sim.fault(Call::Part, 3..4, Fault::Expire);
    sim.give(Input::Start);
    sim.run();
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
    assert_eq!(expiries(&sim), 1);
}

fn expiring(life: u64, bandwidth: u64) -> Setup {
    Setup { tells_expiry: true, life, bandwidth, ..Setup::default() }
}

#[test]
fn an_upload_auth_that_ends_three_times_is_asked_for_three_times() {
    let (mut sim, file) = world(40 * MB);
    for nth in [7, 20, 33] {
        sim.fault(Call::Part, nth..nth + 1, Fault::Expire);
    }
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((expiries(&sim), sim.count(Call::Initiate)), (3, 1));
    let again = sim.count(Call::Part) - 40;
    assert!(again <= 3 * 5, "only parts in flight: {again}");
}

#[test]
fn a_credential_is_renewed_before_its_end_and_no_part_is_refused() {
    for sts in [false, true] {
        let setup = Setup { sts, app_delay: 10_000, ..expiring(600_000, 200_000) };
        let (mut sim, file) = Sim::started(setup, 1_500 * MB);
        sim.setup.account_life = u64::MAX / 4;
        sim.run_until(|sim| sim.state(file) != State::Active);
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Part), 1_500, "each part is sent once");
        // Half an hour and more, with ten minutes less two each.
        let asked = if sts { sim.count(Call::RefreshUpload) } else { expiries(&sim) };
        assert!((2..6).contains(&asked), "{asked}");
        assert!(!sts || expiries(&sim) == 0);
    }
}

#[test]
fn an_early_renewal_keeps_parts_flowing_and_asks_once() {
    let (mut sim, file) = Sim::started(expiring(600_000, 200_000), 800 * MB);
    sim.manners.extend([Manner::Good, Manner::Never]);
    sim.run_until(|sim| expiries(sim) == 1);
    let early = sim.now - common::BEGIN;
    assert!((470_000..500_000).contains(&early), "two minutes before: {early}");
    let before = sim.count(Call::Part);
    sim.pass(60_000);
    assert!(sim.count(Call::Part) >= before + 40, "parts go on");
    // Refused at last, the same question stands and its patience begins.
    sim.run_until(|sim| sim.state(file) != State::Active);
    assert_eq!((expiries(&sim), sim.failure(file)), (1, Some("UploadTokenExpired")));
    let end = sim.now - common::BEGIN;
    assert!((655_000..680_000).contains(&end), "a minute after the end: {end}");
    sim.give(Input::Start);
    sim.run_until(|sim| sim.state(file) != State::Active);
    assert_eq!((sim.state(file), sim.count(Call::Initiate)), (State::Succeeded, 1));
}

#[test]
fn an_early_renewal_that_fails_does_no_harm() {
    for fault in [Fault::Refuse, Fault::Trouble, Fault::Portal, Fault::DropBefore] {
        let setup = Setup { sts: true, account_life: u64::MAX / 4, ..expiring(600_000, 200_000) };
        let (mut sim, file) = Sim::started(setup, 520 * MB);
        sim.fault(Call::RefreshUpload, 0..4, fault);
        sim.run_until(|sim| sim.state(file) != State::Active);
        assert_eq!(sim.state(file), State::Succeeded, "{fault:?}");
        assert_eq!((expiries(&sim), sim.count(Call::Part)), (0, 520), "{fault:?}");
        assert!(sim.count(Call::RefreshUpload) >= 1, "{fault:?}");
    }
}

#[test]
fn a_short_life_is_not_renewed_early() {
    let (mut sim, file) = Sim::started(expiring(200_000, 200_000), 150 * MB);
    sim.run_until(|sim| sim.now - common::BEGIN > 150_000);
    assert_eq!((sim.state(file), expiries(&sim)), (State::Active, 0));
}

#[test]
fn an_application_that_does_not_answer_in_time_fails_the_file_and_can_go_on() {
    for seconds in [5, 60] {
        let mut setup = Setup::default();
        setup.config.renewal_timeout = Duration::from_secs(seconds);
        let (mut sim, file) = Sim::started(setup, 90 * MB);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.manners.extend([Manner::Good, Manner::Never]);
        sim.run_until(|sim| expiries(sim) == 1);
        let asked = sim.now;
        sim.run_until(|sim| sim.state(file) != State::Active);
        assert_eq!(sim.failure(file), Some("UploadTokenExpired"));
        assert_eq!(sim.now - asked, seconds * 1_000);
        sim.give(Input::Start);
        sim.run();
        assert_eq!((sim.state(file), sim.count(Call::Initiate)), (State::Succeeded, 1));
    }
}

#[test]
fn two_files_that_expire_at_once_are_asked_for_one_after_the_other() {
    let mut setup = Setup::default();
    (setup.config.file_parallel, setup.app_delay) = (2, 1_000);
    let mut sim = Sim::new(setup);
    let files = [sim.add(12 * MB), sim.add(12 * MB)];
    sim.give(Input::Start);
    sim.run_until(|sim| files.iter().all(|file| sim.shown(*file) > 3 * MB));
    let tokens: Vec<_> = sim.cloud.issued.keys().cloned().collect();
    for token in tokens {
        sim.cloud.revoke(&token);
    }
    sim.run_until(|sim| expiries(sim) == 1);
    sim.pass(900);
    assert_eq!(expiries(&sim), 1, "the second one waits for the first one's answer");
    sim.run();
    // The witness has seen that each answer went to the file that was asked.
    assert_eq!(files.map(|file| sim.state(file)), [State::Succeeded; 2]);
    assert_eq!((expiries(&sim), sim.count(Call::Initiate)), (2, 2));
    let asked = sim.events.iter().filter_map(|event| match event {
        Event::CredentialExpired { file, .. } => Some(*file),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    assert!(asked == files || asked == [files[1], files[0]]);
}

#[test]
fn the_next_file_is_asked_for_when_the_first_one_gets_no_answer() {
    let mut setup = Setup::default();
    setup.config.file_parallel = 2;
    let mut sim = Sim::new(setup);
    let files = [sim.add(12 * MB), sim.add(12 * MB)];
    sim.manners.extend([Manner::Good, Manner::Good, Manner::Never]);
    sim.fault(Call::Part, 8..12, Fault::Expire);
    sim.give(Input::Start);
    sim.run();
    let states = files.map(|file| sim.state(file));
    assert!(states.contains(&State::Failed) && states.contains(&State::Succeeded), "{states:?}");
}

#[test]
fn a_clock_that_is_wrong_makes_no_credential_older_or_younger() {
    for sts in [false, true] {
        for skew in [-2 * 3_600_000, 2 * 3_600_000] {
            let setup = Setup { skew, sts, ..expiring(600_000, MB) };
            let (mut sim, file) = Sim::started(setup, 40 * MB);
            sim.run();
            assert_eq!((sim.state(file), expiries(&sim)), (State::Succeeded, 0), "{skew}");
            // The credential tells at once that the clock is behind, not that it is ahead.
            let initiates = 1 + usize::from(skew > 0);
            assert_eq!((sim.count(Call::RefreshUpload), sim.count(Call::Initiate)), (0, initiates));
        }
    }
}

#[test]
fn a_renewal_that_is_done_without_leaves_no_part_waiting_for_it() {
    // The part has no attempt left while the call may still succeed; the call
    // has none left, in turn, and the credential still works.
    let setup = Setup { sts: true, bandwidth: 20_000, ..expiring(600_000, 20_000) };
    let (mut sim, file) = Sim::started(setup, 90 * MB);
    sim.run_until(|sim| sim.count(Call::RefreshUpload) == 1);
    let begun = sim.now;
    sim.fault(Call::RefreshUpload, 0..usize::MAX, Fault::Stall);
    sim.fault(Call::Part, 0..usize::MAX, Fault::Trouble);
    sim.run();
    assert_eq!(sim.failure(file), Some("InternalError"));
    assert!(sim.now - begun < 3_600_000, "and not at the end of time");
}

#[test]
fn a_key_that_the_service_refuses_is_not_the_answer_to_a_list() {
    let (mut sim, file) = Sim::started(Setup { sts: true, ..Setup::default() }, 20 * MB);
    sim.run_until(|sim| sim.count(Call::Part) == 8);
    sim.give(Input::Stop);
    sim.run();
    sim.fault(Call::List, 0..1, Fault::Expire);
    sim.fault(Call::RefreshUpload, 1..2, Fault::Refuse);
    sim.give(Input::Start);
    sim.run();
    assert_eq!((sim.failure(file), sim.count(Call::List)), (Some("Forbidden.RAM"), 1));
}
