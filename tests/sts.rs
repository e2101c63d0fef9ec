//! An account of the service in place of permits: what is asked for, and when.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::collections::BTreeMap;

use common::{Call, Fault, MB, Manner, Setup, Sim, State};
use vodupload::{Event, FileId, Input};

fn sts() -> Setup {
    Setup { sts: true, ..Setup::default() }
}

fn world(size: u64) -> (Sim, FileId) {
    Sim::started(sts(), size)
}

fn expiries(sim: &Sim) -> usize {
    sim.heard(|event| matches!(event, Event::CredentialExpired { .. }))
}

fn authorized(sim: &Sim) -> Vec<(String, vodupload::Media)> {
    let told = sim.events.iter().filter_map(|event| match event {
        Event::Authorized { target, media, .. } => Some((target.key.clone(), media.clone())),
        _ => None,
    });
    told.collect()
}

/// How often each part was sent.
fn times(sim: &Sim) -> BTreeMap<u32, usize> {
    let mut times = BTreeMap::new();
    for sent in sim.sent.iter().filter(|sent| sent.call == Call::Part) {
        *times.entry(sent.number).or_default() += 1;
    }
    times
}

/// Asserts that one upload id sufficed and that of its parts only those in
/// flight at one of `expiries` were sent again.
fn assert_thrifty(sim: &Sim, expiries: usize) {
    assert_eq!(sim.count(Call::Initiate), 1, "the same upload id");
    let parallel = sim.setup.config.parallel as usize;
    let (times, again) = (times(sim), sim.count(Call::Part) - times(sim).len());
    assert!(again <= expiries * parallel, "{again} parts more: {times:?}");
}

#[test]
fn an_account_makes_a_video_and_uploads_it() {
    for size in [MB, 8 * MB] {
        let (mut sim, file) = world(size);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!((sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload)), (1, 0));
        let (key, media) = &authorized(&sim)[0];
        assert_eq!((&**key, media.video_id.as_deref()), ("sv/1/s1 测试+(a).mp4", Some("s1")));
    }
}

#[test]
fn an_image_tells_its_id_and_where_it_is() {
    let (mut sim, file) = Sim::started(Setup { images: true, ..sts() }, MB);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    let (_, media) = &authorized(&sim)[0];
    assert_eq!(media.video_id, None);
    assert_eq!(media.image_id.as_deref(), Some("i1"));
    assert_eq!(media.image_url.as_deref(), Some("https://image.test/i1"));
    assert_eq!(media.file_url.as_deref(), Some("https://file.test/i1"));
}

#[test]
fn an_account_that_is_over_before_the_first_call_is_asked_for_again() {
    let (mut sim, file) = world(8 * MB);
    sim.manners.extend([Manner::Expired, Manner::Expired]);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((expiries(&sim), sim.count(Call::CreateUpload)), (2, 3));
    assert_thrifty(&sim, 0);
}

#[test]
fn an_account_that_is_over_in_mid_upload_keeps_the_upload_id_and_the_parts() {
    let (mut sim, file) = Sim::started(Setup { account_life: 1, ..sts() }, 12 * MB);
    sim.setup.account_life = u64::MAX / 4;
    sim.run_until(|sim| sim.count(Call::Part) > 0);
    let accounts: Vec<_> = sim.service.accounts.keys().cloned().collect();
    for account in accounts {
        sim.service.revoke(&account);
    }
    sim.fault(Call::Part, 7..8, Fault::Expire);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(expiries(&sim), 1, "for the account, which the service refused");
    assert_eq!((sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload)), (1, 2));
    assert_thrifty(&sim, 1);
}

#[test]
fn a_storage_credential_that_ends_three_times_is_renewed_without_a_question() {
    let (mut sim, file) = world(40 * MB);
    for nth in [7, 20, 33] {
        sim.fault(Call::Part, nth..nth + 1, Fault::Expire);
    }
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((expiries(&sim), sim.count(Call::RefreshUpload)), (0, 3));
    assert_thrifty(&sim, 3);
}

#[test]
fn several_parts_that_expire_together_make_one_call() {
    for latency in [20..60, 10..1_000] {
        let (mut sim, file) = Sim::started(Setup { latency, ..sts() }, 12 * MB);
        sim.fault(Call::Part, 2..5, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!(sim.count(Call::RefreshUpload), 1);
        assert_thrifty(&sim, 1);
    }
}

#[test]
fn an_image_whose_credential_is_over_becomes_another_image() {
    for size in [MB, 8 * MB] {
        let (mut sim, file) = Sim::started(Setup { images: true, ..sts() }, size);
        sim.fault(Call::Put, 0..1, Fault::Expire);
        sim.fault(Call::Part, 3..4, Fault::Expire);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
        assert_eq!((sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload)), (2, 0));
        let keys: Vec<_> = sim.cloud.objects.keys().cloned().collect();
        assert_eq!(keys, ["sv/1/i2 测试+(a).mp4"], "a new key");
        let images: Vec<_> =
            authorized(&sim).into_iter().map(|(_, media)| media.image_id).collect();
        assert_eq!(images, [Some("i1".into()), Some("i2".into())]);
        assert_eq!(sim.count(Call::Initiate), if size > MB { 2 } else { 0 });
    }
}

#[test]
fn an_image_is_not_renewed_early_for_that_would_be_another_one() {
    let setup = Setup { images: true, tells_expiry: true, life: 600_000, ..sts() };
    let (mut sim, file) = Sim::started(Setup { bandwidth: 100_000, ..setup }, 280 * MB);
    sim.run_until(|sim| sim.now - common::BEGIN > 500_000);
    assert_eq!((sim.state(file), sim.count(Call::CreateUpload)), (State::Active, 1));
}

#[test]
fn a_video_that_was_deleted_is_created_anew() {
    let (mut sim, file) = world(12 * MB);
    sim.fault(Call::Part, 7..8, Fault::Expire);
    sim.fault(Call::RefreshUpload, 0..1, Fault::Gone);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload)), (2, 1));
    assert_eq!((sim.count(Call::Initiate), expiries(&sim)), (2, 0));
    let last = authorized(&sim).pop().expect("two permits").1;
    assert_eq!(last.video_id.as_deref(), Some("s2"));
}

#[test]
fn a_recorded_video_that_was_deleted_is_created_anew() {
    let (mut sim, file) = world(12 * MB);
    sim.run_until(|sim| sim.shown(file) > 6 * MB);
    sim.reload();
    sim.fault(Call::RefreshUpload, 0..1, Fault::Gone);
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 2);
    assert!(sim.storage.is_empty(), "the stale record is gone");
}

#[test]
fn a_reload_refreshes_the_video_and_goes_on() {
    let (mut sim, file) = world(20 * MB);
    sim.run_until(|sim| sim.shown(file) > 10 * MB);
    sim.reload();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload)), (1, 1));
    assert_thrifty(&sim, 1);
}

#[test]
fn a_call_that_fails_is_made_again_with_a_new_nonce() {
    let faults = [
        Fault::Bare(502),
        Fault::DropAfter,
        Fault::DropBefore,
        Fault::Mangle,
        Fault::NonceUsed,
        Fault::Portal,
        Fault::Stall,
        Fault::Throttle,
        Fault::Trouble,
        Fault::TroubleIn200,
    ];
    for call in [Call::CreateUpload, Call::RefreshUpload] {
        for fault in faults {
            let (mut sim, file) = world(12 * MB);
            sim.fault(Call::Part, 7..8, Fault::Expire);
            sim.fault(call, 0..2, fault);
            sim.run();
            // The service refuses a nonce that it has seen.
            assert_eq!(sim.state(file), State::Succeeded, "{fault:?} at {call:?}");
            assert_eq!((sim.count(call), expiries(&sim)), (3, 0), "{fault:?} at {call:?}");
            assert_thrifty(&sim, 1);
        }
    }
}

#[test]
fn a_service_that_refuses_fails_the_file_with_its_code() {
    for call in [Call::CreateUpload, Call::RefreshUpload] {
        let (mut sim, file) = world(12 * MB);
        let next = sim.add(MB);
        sim.fault(Call::Part, 7..8, Fault::Expire);
        sim.fault(call, 0..1, Fault::Refuse);
        sim.run();
        assert_eq!(sim.failure(file), Some("Forbidden.RAM"));
        let calls = sim.sent.iter().filter(|sent| sent.call == call && sent.file == file).count();
        assert_eq!((calls, sim.state(next)), (1, State::Succeeded));
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded);
    }
}

#[test]
fn a_service_that_never_answers_well_is_given_up() {
    let faults =
        [Fault::Portal, Fault::Throttle, Fault::Trouble, Fault::NonceUsed, Fault::DropBefore];
    for fault in faults {
        let (mut sim, file) = world(12 * MB);
        sim.fault(Call::CreateUpload, 0..usize::MAX, fault);
        sim.run();
        assert_eq!((sim.state(file), sim.count(Call::CreateUpload)), (State::Failed, 4));
    }
}

#[test]
fn a_refusal_in_mid_upload_does_not_wait_for_parts_that_wait_for_it() {
    let (mut sim, file) = world(12 * MB);
    sim.fault(Call::Part, 7..8, Fault::Expire);
    sim.fault(Call::RefreshUpload, 0..usize::MAX, Fault::Trouble);
    sim.run();
    assert_eq!(sim.failure(file), Some("InternalError"));
    assert_eq!(sim.count(Call::RefreshUpload), 4);
    sim.heal();
    sim.give(Input::Start);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!(sim.count(Call::Initiate), 1);
}

#[test]
fn a_key_of_the_last_run_does_not_hide_that_a_new_run_gets_none() {
    for (fault, times) in [(Fault::Refuse, 1), (Fault::Trouble, 4)] {
        let (mut sim, file) = world(12 * MB);
        sim.run_until(|sim| sim.shown(file) > 3 * MB);
        sim.give(Input::Stop);
        sim.fault(Call::RefreshUpload, 0..times, fault);
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Failed, "{fault:?}");
        sim.give(Input::Start);
        sim.run();
        assert_eq!(sim.state(file), State::Succeeded, "{fault:?}");
    }
}

#[test]
fn an_application_that_gives_only_dead_accounts_is_told_so() {
    let (mut sim, file) = world(4 * MB);
    sim.manners.extend([Manner::Expired; 20]);
    sim.run();
    assert_eq!(sim.failure(file), Some("InvalidSecurityToken.Expired"));
    assert_eq!((expiries(&sim), sim.count(Call::CreateUpload)), (3, 4));
}

#[test]
fn a_permit_in_place_of_an_account_will_do() {
    let (mut sim, file) = world(12 * MB);
    sim.manners.push_back(Manner::Elsewhere);
    sim.fault(Call::Part, 7..8, Fault::Expire);
    sim.run();
    assert_eq!(sim.state(file), State::Succeeded);
    assert_eq!((sim.count(Call::CreateUpload), expiries(&sim)), (0, 1));
    assert_eq!(sim.count(Call::RefreshUpload), 1, "the account that came then knows the video");
    assert_thrifty(&sim, 1);
}

#[test]
fn a_stop_or_a_cancel_ends_a_call() {
    for end in [|_| Input::Stop, Input::Cancel as fn(FileId) -> Input, Input::Remove] {
        for late_answers in [false, true] {
            let (mut sim, file) = Sim::started(Setup { late_answers, ..sts() }, 4 * MB);
            sim.run_until(|sim| sim.count(Call::CreateUpload) == 1);
            sim.give(end(file));
            let (state, events) = (sim.state(file), sim.events.len());
            sim.run();
            assert_ne!(state, State::Active);
            assert_eq!((sim.state(file), sim.events.len(), sim.sent.len()), (state, events, 1));
        }
    }
}

#[test]
fn a_clock_that_is_wrong_does_not_matter_to_the_service() {
    for skew in [-2 * 3_600_000, 2 * 3_600_000] {
        for tells_expiry in [false, true] {
            for size in [MB, 12 * MB] {
                let (mut sim, file) = Sim::started(Setup { skew, tells_expiry, ..sts() }, size);
                sim.fault(Call::Part, 7..8, Fault::Expire);
                sim.run();
                assert_eq!(sim.state(file), State::Succeeded, "{skew}");
                let calls = (sim.count(Call::CreateUpload), sim.count(Call::RefreshUpload));
                assert_eq!(calls, (1, usize::from(size > MB)), "{skew}");
                assert_eq!(expiries(&sim), 0, "{skew}");
            }
        }
    }
}
