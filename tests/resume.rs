//! What a record is good for, and what it is not.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use core::time::Duration;

use common::{BEGIN, Call, Fault, Habits, MB, Manner, Memory, Setup, Sim, State};
use vodupload::{Checkpoint, Config, Event, FileId, Input, Timestamp};

fn adaptive() -> Setup {
    let config = Config { parallel: 3, ..Config::default() };
    Setup { config, bandwidth: 40 * MB, ..Setup::default() }
}

fn bytes(sim: &Sim) -> u64 {
    sim.sent.iter().map(|sent| sent.bytes).sum()
}

/// What becomes of a record.
type Spoil = fn(&str) -> String;

/// Sends about half of the file, reloads, and goes on.
fn reloaded_at_half(setup: Setup, size: u64, act: impl Fn(&mut Sim, FileId)) -> (Sim, FileId) {
    let (mut sim, file) = Sim::started(setup, size);
    sim.run_until(|sim| sim.shown(file) >= size / 2);
    act(&mut sim, file);
    sim.reload();
    sim.sent.clear();
    sim.give(Input::Start);
    sim.run();
    (sim, file)
}

#[test]
fn a_reload_at_half_sends_at_most_parallel_parts_twice() {
    for setup in [Setup::default(), adaptive()] {
        let parallel = u64::from(setup.config.parallel);
        let (sim, file) = reloaded_at_half(setup, 100 * MB, |_, _| {});
        assert_eq!(sim.state(file), State::Succeeded);
        let largest = sim.sent.iter().map(|sent| sent.bytes).max().expect("some parts");
        assert!(bytes(&sim) <= 50 * MB + parallel * largest, "{}", bytes(&sim));
        assert_eq!((sim.count(Call::Initiate), sim.count(Call::List)), (0, 1));
    }
}

#[test]
fn a_reload_at_any_step_gives_the_same_object() {
    for setup in [Setup::default(), adaptive()] {
        let size = if setup.config.part_size.is_some() { 9 * MB } else { 60 * MB };
        let parallel = u64::from(setup.config.parallel);
        let (mut whole, _) = Sim::started(setup.clone(), size);
        whole.run();
        for step in 0..whole.steps {
            let (mut sim, file) = Sim::started(setup.clone(), size);
            sim.run_until(|sim| sim.steps >= step || sim.state(file) == State::Succeeded);
            let stored: u64 = sim
                .cloud
                .uploads
                .values()
                .flat_map(|upload| upload.parts.values())
                .map(common::content::Piece::len)
                .sum();
            sim.reload();
            sim.sent.clear();
            sim.give(Input::Start);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded, "after {step} steps");
            let is_completing = stored == size;
            let again = bytes(&sim) + stored - size.min(bytes(&sim) + stored);
            let largest = whole.sent.iter().map(|sent| sent.bytes).max().unwrap_or(0);
            assert!(is_completing || again <= parallel * largest, "after {step}: {again} bytes");
        }
    }
}

#[test]
fn a_stop_at_any_step_of_growing_parts_gives_the_same_object() {
    // Answers that overtake each other leave sizes in the plan of which no
    // part is stored yet.
    let mut setup = adaptive();
    (setup.config.parallel, setup.latency) = (6, 1..60);
    for seed in 0..5 {
        let setup = Setup { seed, bandwidth: 4_000 * MB, ..setup.clone() };
        for step in (20..80).step_by(3) {
            let (mut sim, file) = Sim::started(setup.clone(), 400 * MB);
            sim.run_until(|sim| sim.steps >= step || sim.state(file) == State::Succeeded);
            sim.give(Input::Stop);
            sim.give(Input::Start);
            sim.run();
            assert_eq!(sim.state(file), State::Succeeded, "after {step} steps");
        }
    }
}

#[test]
fn a_restart_forgets_its_record_at_once() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.fault(Call::Part, 7..8, Fault::Gone);
    sim.fault(Call::Initiate, 1..2, Fault::Stall);
    sim.run_until(|sim| sim.count(Call::Initiate) == 2);
    sim.reload();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::List), 0, "nobody asks for what is known to be gone");
}

#[test]
fn a_stopped_file_goes_on_without_sending_a_byte_twice() {
    let (mut sim, file) = Sim::started(Setup::default(), 40 * MB);
    sim.run_until(|sim| sim.shown(file) > 15 * MB);
    sim.give(Input::Stop);
    let before = sim.cloud.uploads.values().map(|upload| upload.parts.len()).sum::<usize>();
    sim.sent.clear();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Part), 40 - before);
}

#[test]
fn a_stop_needs_no_storage_to_go_on() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.memory = Memory::Full;
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.give(Input::Stop);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn a_resumed_file_tells_its_video() {
    let (sim, _) = reloaded_at_half(Setup::default(), 20 * MB, |_, _| {});
    let videos = sim.events.iter().filter_map(|event| match event {
        Event::Started { video_id, .. } => Some(video_id.as_deref()),
        _ => None,
    });
    assert_eq!(videos.collect::<Vec<_>>(), [None, Some("v1")]);
}

#[test]
fn resumed_bytes_are_shown_at_once() {
    let (mut sim, file) = Sim::started(Setup::default(), 40 * MB);
    sim.run_until(|sim| sim.shown(file) >= 20 * MB);
    sim.reload();
    sim.events.clear();
    sim.give(Input::Start);
    sim.run_until(|sim| sim.shown(file) > 0);
    assert!(sim.shown(file) >= 15 * MB, "{}", sim.shown(file));
}

#[test]
fn a_credential_alone_goes_on_from_the_record() {
    let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, _| {
        sim.manners.push_back(Manner::Bare);
    });
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 0);
}

#[test]
fn another_video_begins_anew() {
    let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, _| {
        sim.manners.push_back(Manner::Elsewhere);
    });
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Initiate), sim.count(Call::Part)), (1, 20));
}

#[test]
fn a_record_that_is_doubtful_is_nothing() {
    let spoil: [(&str, Spoil); 8] = [
        ("cut", |text| text[..text.len() / 2].into()),
        ("empty", |_| String::new()),
        ("no object", |_| "[]".into()),
        ("another file", |text| text.replace("\"size\":20971520", "\"size\":20971521")),
        ("another time", |text| text.replace("d\":1700000000000", "d\":1700000000001")),
        ("another user", |text| text.replace("\"userId\":\"\"", "\"userId\":\"8\"")),
        ("another version", |text| text.replace("\"version\":1", "\"version\":2")),
        ("no plan", |text| text.replace("1048576", "7")),
    ];
    for (what, spoil) in spoil {
        let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, file| {
            let text = sim.storage.get_mut(&sim.info(file).fingerprint.clone()).expect("a record");
            let spoilt = spoil(text);
            assert_ne!(*text, spoilt, "{what}");
            *text = spoilt;
        });
        assert_eq!(sim.state(file), State::Succeeded, "{what}");
        assert_eq!((sim.count(Call::Initiate), sim.count(Call::Part)), (1, 20), "{what}");
    }
}

#[test]
fn a_record_is_too_old_after_a_week() {
    for (days, initiated) in [(6, 0), (8, 1)] {
        let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, _| {
            sim.now += days * 86_400_000;
        });
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::Initiate), initiated, "{days} days");
    }
}

#[test]
fn a_failing_storage_keeps_uploading() {
    for memory in [Memory::Full, Memory::Forgetful, Memory::Corrupt] {
        let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
        sim.memory = memory;
        sim.run_until(|sim| sim.shown(file) > 10 * MB);
        sim.reload();
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{memory:?}");
        assert_eq!(sim.count(Call::Initiate), 2, "{memory:?}");
    }
}

#[test]
fn an_upload_that_was_aborted_meanwhile_begins_anew() {
    let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, _| {
        sim.cloud.uploads.clear();
    });
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Initiate), sim.count(Call::Part)), (1, 20));
}

#[test]
fn the_services_list_wins_over_the_record() {
    let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, _| {
        for upload in sim.cloud.uploads.values_mut() {
            upload.parts.remove(&2);
            upload.parts.get_mut(&3).expect("stored").range.end -= 1;
        }
    });
    assert_eq!(sim.state(file), State::Succeeded);
    let sent: Vec<_> = sim.sent.iter().map(|sent| sent.number).collect();
    assert!(sent.contains(&2) && sent.contains(&3) && !sent.contains(&1), "{sent:?}");
}

#[test]
fn parts_come_in_pages() {
    let habits = Habits { page: 3, ..Habits::default() };
    let setup = Setup { habits, ..Setup::default() };
    let (sim, file) = reloaded_at_half(setup, 40 * MB, |_, _| {});
    assert_eq!(sim.state(file), State::Succeeded);
    assert!(sim.count(Call::List) >= 6);
    assert!(sim.count(Call::Part) <= 25);
}

#[test]
fn a_credential_that_may_not_list_goes_on_from_the_record() {
    let habits = Habits { forbids_list: true, ..Habits::default() };
    let setup = Setup { habits, bandwidth: MB, ..Setup::default() };
    let (sim, file) = reloaded_at_half(setup, 40 * MB, |_, _| {});
    assert_eq!(sim.state(file), State::Succeeded);
    // A record is at most a second old, in which five parts are stored.
    assert!(sim.count(Call::Part) <= 20 + 5 + 5, "{}", sim.count(Call::Part));
    assert_eq!(sim.count(Call::Initiate), 0);
}

#[test]
fn an_upload_is_recorded_before_its_first_part_is_sent() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.count(Call::Part) > 0);
    sim.reload();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn a_record_of_aliyuns_web_sdk_is_gone_on_with() {
    let (mut sim, file) = Sim::started(Setup::default(), 6 * MB);
    sim.run_until(|sim| sim.count(Call::Part) == 6);
    let key = sim.cloud.meant.keys().next().expect("granted").clone();
    let upload_id = sim.cloud.uploads.keys().next().expect("initiated").clone();
    let info = sim.info(file).clone();
    let record = serde_json::json!({
        "fileName": info.name, "lastModified": info.last_modified, "size": info.size,
        "object": key, "videoId": "v1", "bucket": "outin-test", "endpoint": "x",
        "checkpoint": {
            "file": {}, "name": key, "fileSize": info.size, "partSize": MB,
            "uploadId": upload_id, "doneParts": [{ "number": 1, "etag": "\"E\"" }],
        },
        "loaded": 0.2, "state": "Stoped",
    });
    sim.run_until(|sim| sim.cloud.uploads.values().any(|upload| !upload.parts.is_empty()));
    let stored = sim.cloud.uploads.values().map(|upload| upload.parts.len()).sum::<usize>();
    sim.reload();
    sim.storage.insert(info.fingerprint, record.to_string());
    sim.sent.clear();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::Initiate), sim.count(Call::Part)), (0, 6 - stored));
}

#[test]
fn a_record_with_nonsense_numbers_does_no_harm() {
    for etags in [",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,X", ",", "E1"] {
        let (sim, file) = reloaded_at_half(Setup::default(), 20 * MB, |sim, file| {
            let text = sim.storage.get_mut(&sim.info(file).fingerprint.clone()).expect("a record");
            let (before, _) = text.split_once("\"etags\":").expect("etags");
            *text = format!("{before}\"etags\":\"{etags}\"}}");
        });
        assert_eq!(sim.state(file), State::Succeeded, "{etags}");
    }
}

#[test]
fn a_record_tells_no_secret_and_reads_back() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.give(Input::Stop);
    let text = &sim.storage[sim.fingerprint(file)];
    assert!(!text.contains("hush") && !text.contains("CAIS"), "{text}");
    let record = Checkpoint::from_text(
        text,
        sim.info(file),
        "",
        Timestamp(BEGIN),
        Duration::from_hours(168),
    );
    assert!(record.is_some_and(|record| record.parts.len() >= 5));
}

#[test]
fn a_reload_while_the_list_fails_keeps_the_upload() {
    let (mut sim, file) = Sim::started(Setup::default(), 20 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.reload();
    sim.fault(Call::List, 0..usize::MAX, Fault::Trouble);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.failure(file), Some("InternalError"));
    sim.heal();
    sim.sent.clear();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 0);
}

/// Completes the object, loses the reply and reloads before it is missed.
fn reloaded_when_complete(setup: Setup, meddle: impl Fn(&mut Sim)) -> Sim {
    let (mut sim, file) = Sim::started(setup, 20 * MB);
    sim.fault(Call::Complete, 0..1, Fault::DropAfter);
    sim.run_until(|sim| !sim.cloud.objects.is_empty());
    meddle(&mut sim);
    sim.reload();
    sim.sent.clear();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    sim
}

#[test]
fn an_object_that_was_complete_before_the_reload_is_not_sent_again() {
    let sim = reloaded_when_complete(Setup::default(), |_| {});
    let calls = [Call::List, Call::Head, Call::Initiate].map(|call| sim.count(call));
    assert_eq!(calls, [1, 1, 0]);
    assert!(sim.storage.is_empty());
}

#[test]
fn an_object_of_another_size_is_not_taken_for_ours() {
    let sim = reloaded_when_complete(Setup::default(), |sim| {
        for pieces in sim.cloud.objects.values_mut() {
            pieces.pop();
        }
    });
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (1, 1));
}

#[test]
fn an_object_whose_size_is_hidden_is_not_taken_for_ours() {
    let habits = Habits { hides_headers: true, ..Habits::default() };
    let sim = reloaded_when_complete(Setup { habits, ..Setup::default() }, |_| {});
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (1, 1));
}

#[test]
fn an_object_under_the_applications_own_key_is_not_taken_for_ours() {
    let sim = reloaded_when_complete(Setup { key: Some("chosen.mp4"), ..Setup::default() }, |_| {});
    assert_eq!((sim.count(Call::Head), sim.count(Call::Initiate)), (0, 1));
}
