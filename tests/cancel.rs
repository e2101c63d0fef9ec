//! Stop, cancel, remove, start and late words, in every phase of an upload.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Call, Fault, Habits, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId, Input};

/// Worlds that between them go through every phase.
fn worlds() -> Vec<(&'static str, Sim, FileId)> {
    let hidden = Habits { hides_headers: true, ..Habits::default() };
    let mut worlds = vec![];
    let mut world = |name, setup: Setup, size: u64| -> usize {
        let (sim, file) = Sim::started(setup, size);
        worlds.push((name, sim, file));
        worlds.len() - 1
    };
    world("one request", Setup::default(), MB);
    world("parts", Setup::default(), 6 * MB);
    world("hidden ETags", Setup { habits: hidden, ..Setup::default() }, 6 * MB);
    let lost = world("a lost reply to complete", Setup::default(), 6 * MB);
    let expired = world("a credential that ends", Setup::default(), 6 * MB);
    let failing = world("parts to be tried again", Setup::default(), 6 * MB);
    let refused = world("parts refused", Setup::default(), 6 * MB);
    let resumed = world("a resumed file", Setup::default(), 6 * MB);
    let stopped = world("a file started again", Setup::default(), 6 * MB);
    worlds[lost].1.fault(Call::Complete, 0..1, Fault::DropAfter);
    worlds[expired].1.fault(Call::Part, 3..4, Fault::Expire);
    worlds[failing].1.fault(Call::Part, 2..5, Fault::DropBefore);
    worlds[refused].1.fault(Call::Complete, 0..1, Fault::LosePart);
    for index in [resumed, stopped] {
        let (_, sim, file) = &mut worlds[index];
        sim.run_until(|sim| sim.shown(*file) > 2 * MB);
        if index == resumed {
            sim.reload();
        } else {
            sim.give(Input::Stop);
        }
        sim.give(Input::Start);
    }
    worlds
}

/// Calls `check` with each world after each number of steps of its life.
fn at_every_step(check: impl Fn(&str, &mut Sim, FileId)) {
    let count = worlds().len();
    for index in 0..count {
        for steps in 0.. {
            let (name, mut sim, file) = worlds().swap_remove(index);
            if (0..steps).any(|_| !sim.step()) {
                assert!(steps > 5, "{name} has a life");
                assert_eq!(sim.state(file), State::Succeeded, "{name}");
                break;
            }
            check(name, &mut sim, file);
        }
    }
}

#[test]
fn cancel_sends_nothing_but_the_abort() {
    at_every_step(|name, sim, file| {
        if sim.state(file) != State::Active {
            return;
        }
        let known = !sim.storage.is_empty() && !sim.cloud.uploads.is_empty();
        sim.sent.clear();
        sim.give(Input::Cancel(file));
        let (at_once, progress) = (sim.sent.len(), sim.shown(file));
        sim.run();
        assert_eq!(sim.state(file), State::Canceled, "{name}");
        assert_eq!(sim.sent.len(), sim.count(Call::Abort), "{name}");
        assert!(sim.sent.len() <= 1 && sim.sent.len() == at_once, "{name}");
        assert_eq!(sim.shown(file), progress, "{name}");
        assert!(sim.storage.is_empty(), "{name}: a record outlives its upload");
        let able = at_once == 1 && known && name != "a credential that ends";
        assert!(!able || sim.cloud.uploads.is_empty(), "{name}");
        assert_eq!(sim.heard(|event| matches!(event, Event::Finished { .. })), 1, "{name}");
    });
}

#[test]
fn cancel_frees_the_parts() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.give(Input::Cancel(file));
    sim.run();
    assert!(sim.cloud.uploads.is_empty());
}

#[test]
fn a_cancel_that_fails_is_tried_again_and_then_left() {
    for (fails, left) in [(2, 0), (9, 1)] {
        let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
        sim.run_until(|sim| sim.shown(file) > 10 * MB);
        sim.fault(Call::Abort, 0..fails, Fault::Trouble);
        sim.give(Input::Cancel(file));
        sim.give(Input::Remove(file));
        sim.run();
        assert_eq!(sim.cloud.uploads.len(), left);
        assert_eq!(sim.count(Call::Abort), fails.min(3) + 1);
        assert_eq!(sim.heard(|event| matches!(event, Event::Failed { .. })), 0);
    }
}

#[test]
fn a_file_resumed_while_it_is_cleaned_up_begins_anew() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.fault(Call::Abort, 0..1, Fault::Trouble);
    sim.give(Input::Cancel(file));
    sim.give(Input::Resume(file));
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 2);
    assert!(sim.cloud.uploads.is_empty(), "the first one was cleaned up");
}

#[test]
fn a_stop_sends_nothing_and_a_start_goes_on() {
    at_every_step(|name, sim, file| {
        if sim.state(file) != State::Active {
            return;
        }
        let before = sim.sent.len();
        sim.give(Input::Stop);
        assert_eq!(sim.state(file), State::Stopped, "{name}");
        sim.run();
        assert_eq!((sim.state(file), sim.sent.len()), (State::Stopped, before), "{name}");
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{name}");
    });
}

#[test]
fn stop_before_credentials_is_a_stop() {
    for manner in [Manner::Good, Manner::Never] {
        let (mut sim, file) = Sim::started(Setup::default(), 6 * MB);
        sim.manners.push_back(manner);
        sim.run_until(|sim| sim.witness.is_asked(file));
        sim.give(Input::Stop);
        sim.run();
        assert_eq!((sim.state(file), sim.sent.len()), (State::Stopped, 0));
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
    }
}

#[test]
fn a_removed_file_is_silent() {
    at_every_step(|name, sim, file| {
        sim.give(Input::Remove(file));
        let (sent, events) = (sim.sent.len(), sim.events.len());
        for input in [Input::Start, Input::Cancel(file), Input::Resume(file), Input::Online] {
            sim.give(input);
        }
        sim.run();
        assert_eq!((sim.sent.len(), sim.events.len()), (sent, events), "{name}");
    });
}

#[test]
fn a_start_or_a_resume_of_a_running_file_changes_nothing() {
    at_every_step(|name, sim, file| {
        if sim.state(file) != State::Active {
            return;
        }
        let before = sim.sent.len();
        sim.give(Input::Start);
        sim.give(Input::Resume(file));
        assert_eq!((sim.state(file), sim.sent.len()), (State::Active, before), "{name}");
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{name}");
    });
}

#[test]
fn a_credential_nobody_asked_for_changes_nothing() {
    at_every_step(|name, sim, file| {
        if sim.witness.is_asked(file) {
            return;
        }
        let late = sim.grant(file, Manner::Elsewhere, None);
        let before = (sim.sent.len(), sim.events.len());
        sim.give(late);
        assert_eq!((sim.sent.len(), sim.events.len()), before, "{name}");
        let rubbish = sim.grant(file, Manner::Rubbish, Some("v1".into()));
        sim.give(rubbish);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{name}");
    });
}

#[test]
fn a_file_that_succeeded_cannot_be_cancelled() {
    let (mut sim, file) = Sim::started(Setup::default(), 6 * MB);
    sim.run();
    let before = (sim.sent.len(), sim.events.len());
    for input in [Input::Cancel(file), Input::Resume(file), Input::Start, Input::Stop] {
        sim.give(input);
    }
    assert_eq!((sim.sent.len(), sim.events.len()), before);
}

#[test]
fn answers_that_come_too_late_change_nothing() {
    for end in [|_| Input::Stop, Input::Cancel as fn(FileId) -> Input, Input::Remove] {
        let setup = Setup { late_answers: true, ..Setup::default() };
        let (mut sim, file) = Sim::started(setup, 20 * MB);
        sim.run_until(|sim| sim.shown(file) > 10 * MB);
        sim.give(end(file));
        let (state, events) = (sim.state(file), sim.events.len());
        sim.run();
        assert_eq!((sim.state(file), sim.events.len()), (state, events));
    }
}
