//! Several files: whose turn it is, and what is told of the whole.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::{Call, Fault, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId, Input};

fn world(sizes: &[u64], file_parallel: u32) -> (Sim, Vec<FileId>) {
    let mut setup = Setup::default();
    setup.config.file_parallel = file_parallel;
    let mut sim = Sim::new(setup);
    let files = sizes.iter().map(|size| sim.add(*size)).collect();
    (sim, files)
}

fn finished(sim: &Sim) -> Vec<FileId> {
    let last = |event: &Event| match event {
        Event::Finished { last } => Some(*last),
        _ => None,
    };
    sim.events.iter().filter_map(last).collect()
}

fn started(sim: &Sim) -> Vec<FileId> {
    let file = |event: &Event| match event {
        Event::Started { file, .. } => Some(*file),
        _ => None,
    };
    sim.events.iter().filter_map(file).collect()
}

#[test]
fn files_take_turns_in_the_order_they_were_added() {
    let (mut sim, files) = world(&[3 * MB, 1, 5 * MB], 1);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(started(&sim), files);
    assert_eq!(finished(&sim), [files[2]]);
}

#[test]
fn as_many_files_run_at_once_as_wished_and_share_the_requests() {
    let mut setup = Setup::default();
    (setup.config.file_parallel, setup.config.requests) = (3, 4);
    let mut sim = Sim::new(setup);
    let files: Vec<_> = (0..6).map(|_| sim.add(20 * MB)).collect();
    sim.give(Input::Start);
    sim.run_until(|sim| sim.count(Call::Part) > 3);
    let sending: std::collections::BTreeSet<_> = sim.sent.iter().map(|sent| sent.file).collect();
    assert!(sending.iter().eq(&files[..3]), "{sending:?}");
    assert_eq!(started(&sim), files, "as many more are asked for while these are sent");
    sim.run();
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
    assert_eq!(finished(&sim).len(), 1);
}

#[test]
fn a_queue_with_nothing_to_do_says_nothing() {
    let (mut sim, _) = world(&[], 1);
    sim.give(Input::Start);
    assert!(sim.events.is_empty());
    let file = sim.add(MB);
    sim.give(Input::Start);
    sim.run();
    sim.give(Input::Start);
    assert_eq!(finished(&sim), [file], "told once for each time it ran");
}

#[test]
fn the_end_of_the_queue_is_told_once_also_after_a_failure() {
    for fails in 0..3 {
        let (mut sim, files) = world(&[MB, MB, MB], 1);
        sim.fault(Call::Put, fails..fails + 1, Fault::Refuse);
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(files[fails]), State::Failed);
        assert_eq!(finished(&sim), [files[2]]);
    }
}

#[test]
fn the_end_of_the_queue_is_told_once_after_a_cancel_or_a_removal() {
    for end in [Input::Cancel, Input::Remove] {
        let (mut sim, files) = world(&[MB, 20 * MB], 1);
        sim.give(Input::Start);
        sim.run_until(|sim| sim.shown(files[1]) > MB);
        sim.give(end(files[1]));
        assert_eq!(finished(&sim), [files[1]]);
        sim.run();
        assert_eq!(finished(&sim).len(), 1);
    }
}

#[test]
fn a_stop_is_no_end_of_the_queue() {
    let (mut sim, files) = world(&[20 * MB, MB], 1);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[0]) > 0);
    sim.give(Input::Stop);
    sim.run();
    assert!(finished(&sim).is_empty());
    assert_eq!(sim.state(files[1]), State::Queued);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(finished(&sim), [files[1]]);
}

#[test]
fn a_start_rearms_failed_and_stopped_files_and_not_cancelled_ones() {
    let (mut sim, files) = world(&[MB, MB, 20 * MB, MB], 1);
    sim.fault(Call::Put, 0..1, Fault::Refuse);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.state(files[2]) == State::Active);
    sim.give(Input::Cancel(files[1]));
    sim.give(Input::Cancel(files[3]));
    sim.give(Input::Stop);
    sim.give(Input::Start);
    sim.run();
    let states: Vec<_> = files.iter().map(|file| sim.state(*file)).collect();
    // The second was complete: there was nothing left to cancel.
    let done = State::Succeeded;
    assert_eq!(states, [done, done, done, State::Canceled]);
}

#[test]
fn a_cancelled_file_takes_part_again_when_it_is_resumed() {
    let (mut sim, files) = world(&[20 * MB, 20 * MB], 1);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[0]) > 0);
    sim.give(Input::Cancel(files[0]));
    sim.give(Input::Resume(files[0]));
    sim.run();
    assert_eq!(started(&sim), [files[0], files[1], files[0]]);
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
    assert_eq!(finished(&sim).len(), 1);
}

#[test]
fn a_start_of_a_running_queue_gives_failed_files_another_turn() {
    let (mut sim, files) = world(&[MB, 20 * MB], 1);
    sim.fault(Call::Put, 0..1, Fault::Refuse);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[1]) > 0);
    assert_eq!(sim.state(files[0]), State::Failed);
    sim.give(Input::Start);
    sim.run();
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
    assert_eq!(finished(&sim), [files[0]], "told once, and by the file that was last");
}

#[test]
fn a_file_added_to_a_running_queue_gets_its_turn() {
    let (mut sim, files) = world(&[20 * MB], 1);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[0]) > 0);
    let late = sim.add(MB);
    sim.run();
    assert_eq!(sim.state(late), State::Succeeded);
    assert_eq!(finished(&sim), [late]);
}

#[test]
fn a_removed_file_is_never_started() {
    let (mut sim, files) = world(&[MB, MB, MB], 1);
    sim.give(Input::Remove(files[1]));
    sim.give(Input::Start);
    sim.run();
    assert_eq!(started(&sim), [files[0], files[2]]);
}

#[test]
fn a_file_that_waits_for_its_application_holds_up_only_its_place() {
    let (mut sim, files) = world(&[MB, MB, MB], 2);
    sim.manners.push_back(Manner::Never);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(files[0]), State::Active);
    assert_eq!((sim.state(files[1]), sim.state(files[2])), (State::Succeeded, State::Succeeded));
    assert!(finished(&sim).is_empty());
}

#[test]
fn a_slot_that_one_file_leaves_serves_another() {
    let mut setup = Setup::default();
    (setup.config.file_parallel, setup.config.requests) = (2, 1);
    let mut sim = Sim::new(setup);
    let files = [sim.add(MB), sim.add(MB)];
    sim.fault(Call::Put, 0..1, Fault::Stall);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.count(Call::Put) == 2);
    assert_eq!(sim.sent[1].file, files[1], "the first one waits to be tried again");
    assert!(sim.sent[1].at - sim.sent[0].at < 61_000);
    sim.run();
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
}

#[test]
fn bytes_of_one_file_are_not_told_of_another() {
    for seed in 0..20 {
        let mut setup = Setup { seed, bandwidth: 50 * MB, latency: 5..10, ..Setup::default() };
        setup.config.parallel = 1;
        let mut sim = Sim::new(setup);
        let files = [sim.add(8 * MB), sim.add(8 * MB)];
        sim.fault(Call::Part, 6..7, Fault::Refuse);
        sim.give(Input::Start);
        sim.run();
        // What the first one stored just before it failed was never told, and
        // must not be told when the second one moves.
        assert_eq!(files.map(|file| sim.state(file)), [State::Failed, State::Succeeded]);
    }
}

#[test]
fn a_failed_file_is_tried_again_by_a_start_while_others_run() {
    let (mut sim, files) = world(&[MB, 20 * MB], 1);
    sim.fault(Call::Put, 0..1, Fault::Refuse);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[1]) > MB);
    assert_eq!(sim.state(files[0]), State::Failed);
    sim.give(Input::Start);
    sim.run();
    assert!(files.iter().all(|file| sim.state(*file) == State::Succeeded));
    assert_eq!(finished(&sim), [files[0]]);
}

#[test]
fn a_cancelled_file_begins_at_nothing_again() {
    let (mut sim, files) = world(&[20 * MB], 1);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(files[0]) > 5 * MB);
    sim.give(Input::Cancel(files[0]));
    let before = sim.events.len();
    sim.give(Input::Resume(files[0]));
    sim.give(Input::Start);
    sim.run();
    let first = sim.events[before..].iter().find_map(|event| match event {
        Event::Progress { sent, .. } => Some(*sent),
        _ => None,
    });
    assert_eq!(first, Some(0));
}
