//! What is stored is what the file holds, or somebody is told.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::content::FOREIGN;
use common::{Call, Fault, Habits, MB, Setup, Sim, State};
use serde_json::Value;
use vodupload::{Event, FileId, Input, PartNumber};

const MD5: Habits = Habits {
    hides_headers: false,
    hides_crc: true,
    encrypts: false,
    forbids_list: false,
    forbids_head: false,
    page: 0,
    ends_sessions: false,
};

fn world(habits: Habits, size: u64) -> (Sim, FileId) {
    Sim::started(Setup { habits, ..Setup::default() }, size)
}

fn is_verified(sim: &Sim) -> bool {
    let told = sim.events.iter().find_map(|event| match event {
        Event::Succeeded { is_verified, .. } => Some(*is_verified),
        _ => None,
    });
    told.expect("a success")
}

fn all_habits() -> [Habits; 3] {
    let hidden = Habits { hides_headers: true, ..Habits::default() };
    [Habits::default(), MD5, hidden]
}

#[test]
fn every_byte_is_compared_once() {
    for habits in all_habits() {
        let (mut sim, file) = world(habits, 8 * MB);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.digests, 8, "{habits:?}");
        assert!(is_verified(&sim), "{habits:?}");
    }
}

#[test]
fn a_damaged_part_is_sent_again_and_only_that() {
    for habits in all_habits() {
        for nth in [0, 3, 7] {
            let (mut sim, file) = world(habits, 8 * MB);
            sim.fault(Call::Part, nth..nth + 1, Fault::Corrupt);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded, "the storage saw the whole file");
            assert_eq!((sim.count(Call::Part), sim.count(Call::Initiate)), (9, 1), "{habits:?}");
            assert!(is_verified(&sim), "{habits:?}");
        }
    }
}

#[test]
fn a_part_that_is_damaged_twice_after_others_were_not_is_sent_a_third_time() {
    for habits in [Habits::default(), MD5] {
        let (mut sim, file) = world(habits, 8 * MB);
        sim.faults.script_part(7, 2, Fault::Corrupt);
        sim.run();
        assert_eq!((sim.state(file), sim.count(Call::Part)), (State::Succeeded, 10));
    }
}

#[test]
fn a_damaged_object_is_sent_again() {
    for habits in [Habits::default(), MD5] {
        let (mut sim, file) = world(habits, MB);
        sim.fault(Call::Put, 0..1, Fault::Corrupt);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "the witness saw the whole object");
        assert_eq!((sim.count(Call::Put), sim.digests), (2, 2));
        assert!(is_verified(&sim));
    }
}

#[test]
fn what_is_damaged_for_ever_fails_with_its_part() {
    for (size, call, part) in [(8 * MB, Call::Part, Some(PartNumber(3))), (MB, Call::Put, None)] {
        let (mut sim, file) = world(Habits::default(), size);
        if call == Call::Part {
            sim.faults.script_part(3, usize::MAX, Fault::Corrupt);
        } else {
            sim.fault(call, 0..usize::MAX, Fault::Corrupt);
        }
        sim.run();
        assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
        let error = sim.events.iter().find_map(|event| match event {
            Event::Failed { error, .. } => Some(error),
            _ => None,
        });
        let error = error.expect("a failure");
        assert_eq!(error.part_number, part);
        assert!(!error.hint.is_empty() && error.message.ends_with(error.hint), "{error:?}");
        let times = sim.sent.iter().filter(|sent| sent.call == call);
        let times = times.filter(|sent| part.is_none_or(|part| sent.number == part.0)).count();
        assert_eq!(times, sim.setup.config.retry.count as usize + 1);
        sim.heal();
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "a new start has a new budget");
        assert!(is_verified(&sim));
    }
}

#[test]
fn an_application_that_wants_no_repetition_gets_none() {
    let mut setup = Setup::default();
    setup.config.retry.count = 0;
    let (mut sim, file) = Sim::started(setup, 8 * MB);
    sim.fault(Call::Part, 2..3, Fault::Corrupt);
    sim.run();
    assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
}

#[test]
fn damage_that_an_earlier_run_left_is_repaired_with_whatever_attempts() {
    let mut setup = Setup::default();
    setup.config.retry.count = 0;
    let (mut sim, file) = Sim::started(setup, 8 * MB);
    sim.fault(Call::Part, 2..3, Fault::Corrupt);
    sim.run();
    assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
}

#[test]
fn a_record_does_not_vouch_for_a_damaged_part() {
    let habits = Habits { forbids_list: true, ..Habits::default() };
    let mut setup = Setup { habits, ..Setup::default() };
    setup.config.retry.count = 0;
    let (mut sim, file) = Sim::started(setup, 8 * MB);
    sim.fault(Call::Part, 2..3, Fault::Corrupt);
    sim.run();
    assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "the storage saw the whole file");
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn a_part_that_was_replaced_before_a_reload_is_found_and_sent_again() {
    for habits in all_habits() {
        let (mut sim, file) = world(habits, 20 * MB);
        sim.run_until(|sim| sim.shown(file) >= 10 * MB);
        let upload = sim.cloud.uploads.values_mut().next().expect("under way");
        upload.parts.get_mut(&2).expect("stored").file = FOREIGN;
        sim.reload();
        sim.sent.clear();
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{habits:?}");
        let again = sim.sent.iter().filter(|sent| sent.number == 2).count();
        assert_eq!(again, 1, "{habits:?}");
        assert!(sim.sent.iter().all(|sent| sent.number != 1), "{habits:?}");
        assert!(is_verified(&sim), "{habits:?}");
    }
}

#[test]
fn a_stop_compares_again_what_somebody_may_have_replaced_meanwhile() {
    let (mut sim, file) = world(Habits::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) >= 10 * MB);
    sim.give(Input::Stop);
    let upload = sim.cloud.uploads.values_mut().next().expect("under way");
    upload.parts.get_mut(&2).expect("stored").file = FOREIGN;
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(is_verified(&sim));
}

#[test]
fn a_whole_with_the_wrong_checksum_begins_anew() {
    let (mut sim, file) = world(Habits::default(), 8 * MB);
    sim.fault(Call::Complete, 0..1, Fault::Misjoined);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Initiate), sim.count(Call::Part)), (2, 16));
}

#[test]
fn a_whole_that_is_wrong_for_ever_is_given_up() {
    let (mut sim, file) = world(Habits::default(), 4 * MB);
    sim.fault(Call::Complete, 0..usize::MAX, Fault::Misjoined);
    sim.run();
    assert_eq!(sim.failure(file), Some("InconsistentChecksum"));
    assert_eq!(sim.count(Call::Initiate), 3);
}

#[test]
fn an_object_found_with_another_checksum_is_not_taken_for_ours() {
    let (mut sim, file) = world(Habits::default(), 4 * MB);
    sim.fault(Call::Complete, 0..1, Fault::DropAfter);
    sim.run_until(|sim| !sim.cloud.objects.is_empty());
    for piece in sim.cloud.objects.values_mut().flatten() {
        piece.file = FOREIGN;
    }
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded, "the witness saw the whole object");
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (1, 2));
}

#[test]
fn etags_that_are_no_md5_do_not_fail_an_upload() {
    for hides_headers in [false, true] {
        for count in [0, 3] {
            for size in [MB, 8 * MB] {
                let habits = Habits { encrypts: true, hides_headers, ..MD5 };
                let mut setup = Setup { habits, ..Setup::default() };
                setup.config.retry.count = count;
                let (mut sim, file) = Sim::started(setup, size);
                sim.run();
                assert_eq!(sim.state(file), State::Succeeded);
                assert!(sim.count(Call::Initiate) <= 1, "nothing is taken for damaged");
                assert!(!is_verified(&sim), "nothing could be compared");
            }
        }
    }
}

#[test]
fn once_known_no_etag_that_is_no_md5_is_compared() {
    let (mut sim, file) = world(Habits { encrypts: true, ..MD5 }, 60 * MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(sim.digests <= 25, "{}", sim.digests);
    assert!(sim.count(Call::Part) <= 60 + 12, "{}", sim.count(Call::Part));
}

#[test]
fn with_nothing_to_compare_a_success_is_not_called_verified() {
    let habits = Habits { hides_headers: true, ..Habits::default() };
    let (mut sim, file) = world(habits, MB);
    sim.run();
    assert_eq!((sim.state(file), sim.digests), (State::Succeeded, 0));
    assert!(!is_verified(&sim));
}

#[test]
fn parts_of_which_nothing_is_known_after_a_reload_are_not_called_verified() {
    let habits = Habits { forbids_list: true, ..Habits::default() };
    let setup = Setup { habits, bandwidth: MB, ..Setup::default() };
    let (mut sim, file) = Sim::started(setup, 40 * MB);
    sim.run_until(|sim| sim.shown(file) >= 20 * MB);
    sim.reload();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(!is_verified(&sim));
}

#[test]
fn an_object_complete_before_a_reload_is_not_called_verified() {
    let (mut sim, file) = world(Habits::default(), 20 * MB);
    sim.fault(Call::Complete, 0..1, Fault::DropAfter);
    sim.run_until(|sim| !sim.cloud.objects.is_empty());
    sim.reload();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(!is_verified(&sim));
}

#[test]
fn integrity_that_is_off_asks_for_no_digest() {
    for size in [MB, 8 * MB] {
        let mut setup = Setup::default();
        setup.config.integrity = false;
        let (mut sim, file) = Sim::started(setup, size);
        sim.run();
        assert_eq!((sim.state(file), sim.digests), (State::Succeeded, 0));
        assert!(!is_verified(&sim));
    }
}

#[test]
fn an_end_during_a_digest_aborts_it_and_nothing_late_is_believed() {
    for end in [|_| Input::Stop, Input::Cancel as fn(FileId) -> Input, Input::Remove] {
        for late_answers in [false, true] {
            let setup = Setup { late_answers, ..Setup::default() };
            let (mut sim, file) = Sim::started(setup, 8 * MB);
            // The digest of a damaged part: believed, it would send it again.
            sim.fault(Call::Part, 0..1, Fault::Corrupt);
            sim.run_until(|sim| sim.digests == 1);
            sim.give(end(file)); // the witness wants it aborted
            let (state, events) = (sim.state(file), sim.events.len());
            sim.run();
            assert_eq!((sim.state(file), sim.events.len()), (state, events));
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_for_a_digest_fails_once() {
    for size in [MB, 8 * MB] {
        let (mut sim, file) = world(Habits::default(), size);
        sim.fault(Call::Digest, 0..usize::MAX, Fault::Unreadable);
        sim.run();
        assert_eq!(sim.failure(file), Some("ReadFileError"));
        assert_eq!(sim.heard(|event| matches!(event, Event::Failed { .. })), 1);
    }
}

#[test]
fn what_is_restarted_is_compared_anew() {
    let (mut sim, file) = world(Habits::default(), 12 * MB);
    sim.fault(Call::Part, 9..10, Fault::Gone);
    sim.faults.script_part(2, 0, Fault::Corrupt);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(is_verified(&sim) && sim.digests >= 12, "{}", sim.digests);
}

/// The parts that the record of the file names.
fn recorded(sim: &Sim, file: FileId) -> usize {
    let record: Value = serde_json::from_str(&sim.storage[sim.fingerprint(file)]).expect("JSON");
    let etags = record["etags"].as_str().expect("parts");
    etags.split(',').filter(|etag| !etag.is_empty()).count()
}

#[test]
fn no_record_names_a_part_that_nobody_has_looked_at() {
    let (mut sim, file) = world(Habits::default(), 5 * MB);
    sim.fault(Call::Digest, 1..2, Fault::Unreadable);
    sim.run();
    assert_eq!((sim.state(file), recorded(&sim, file)), (State::Failed, 1));

    // A stop ends the checks; another one before they are made again knows
    // no more than it did.
    let (mut sim, file) = world(Habits::default(), 5 * MB);
    sim.run_until(|sim| sim.digests == 2);
    sim.give(Input::Stop);
    let known = recorded(&sim, file);
    sim.give(Input::Start);
    sim.run_until(|sim| sim.witness.is_asked(file));
    sim.give(Input::Stop);
    assert_eq!(recorded(&sim, file), known);
}
