//! Thousands of worlds of either cloud in which everything goes wrong at random.
//!
//! The witness judges every step. What is asked here is the end: when the world
//! is right again, each file that nobody gave up must still get through.
//! `VODUPLOAD_SEED=<seed> VODUPLOAD_TRACE=1 cargo test <name>` replays a failure;
//! `VODUPLOAD_OFFSET=1000000` plays other worlds.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use std::time::Duration;

use common::network::{Dice, Fault, PASSING, RARE, SILENT};
use common::ugc::PROXY;
use common::{Call, Habits, MB, Manner, Memory, Setup, Sim, State, Vendor};
use vodupload::{
    Algorithm, Config, Digest, Error, ErrorKind, Event, FileId, Input, RequestId, Response,
    RetryPolicy,
};

/// What may happen in a world besides faults.
#[derive(Clone, Copy)]
struct Life {
    /// How likely the application does something at a step.
    acts: f64,
    /// How likely the process ends at a step.
    ends: f64,
    /// Whether storage and application may fail, too.
    is_hard: bool,
}

#[test]
fn passing_faults_never_lose_a_byte() {
    each(0..9_000, |seed| play(seed, Life { acts: 0.0, ends: 0.0, is_hard: false }));
}

#[test]
fn no_order_of_calls_leaves_a_file_stuck() {
    each(10_000..19_000, |seed| play(seed, Life { acts: 0.04, ends: 0.0, is_hard: true }));
}

#[test]
fn a_process_may_end_at_any_step() {
    each(20_000..24_500, |seed| play(seed, Life { acts: 0.0, ends: 0.02, is_hard: false }));
}

#[test]
fn everything_may_happen_at_once() {
    each(30_000..34_500, |seed| play(seed, Life { acts: 0.03, ends: 0.01, is_hard: true }));
}

#[test]
fn a_cloud_that_always_fails_is_given_up_after_few_requests() {
    each(40_000..43_000, always_failing);
}

#[test]
fn a_link_that_cuts_every_twentieth_connection_is_no_failure() {
    each(50_000..50_600, cut);
}

/// Plays all seeds, or the one that the environment names.
fn each(seeds: std::ops::Range<u64>, play: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (one, offset) = (number("VODUPLOAD_SEED"), number("VODUPLOAD_OFFSET").unwrap_or(0));
    for seed in seeds.map(|seed| seed + offset).filter(|seed| one.is_none_or(|one| one == *seed)) {
        let teller = Teller(seed);
        play(seed);
        drop(teller);
    }
}

/// Tells the seed of a failure.
struct Teller(u64);

impl Drop for Teller {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("replay with VODUPLOAD_SEED={}", self.0);
        }
    }
}

fn play(seed: u64, life: Life) {
    let mut dice = Dice::new(seed);
    let mut sim = world(seed, &mut dice);
    sim.faults.chance = dice.pick(&[0.0, 0.02, 0.1, 0.3, 0.7]);
    sim.faults.kinds = kinds(&mut dice, &sim);
    if life.is_hard {
        sim.memory = dice.pick(&[
            Memory::Good,
            Memory::Good,
            Memory::Forgetful,
            Memory::Full,
            Memory::Corrupt,
        ]);
        let manners = [
            Manner::Good,
            Manner::Good,
            Manner::Expired,
            Manner::Rubbish,
            Manner::Never,
            Manner::Elsewhere,
        ];
        sim.manners = (0..dice.below(6)).map(|_| dice.pick(&manners)).collect();
    }
    sim.give(Input::Start);
    for _ in 0..dice.within(20..1_500) {
        if dice.chance(life.acts) {
            act(&mut sim, &mut dice);
        }
        if dice.chance(life.ends) {
            sim.reload();
            sim.give(Input::Start);
        }
        if !sim.step() && life.acts == 0.0 {
            break;
        }
    }
    settle(&mut sim, &mut dice);
}

/// Rights the world; then every file that was not given up must get through.
fn settle(sim: &mut Sim, dice: &mut Dice) {
    sim.heal();
    sim.run();
    for file in sim.files() {
        if sim.state(file) == State::Canceled && dice.chance(0.5) {
            sim.give(Input::Resume(file));
        }
    }
    for _ in 0..3 {
        if sim.files().into_iter().any(|file| sim.state(file) == State::Active) {
            sim.give(Input::Stop); // the application owes a credential
        }
        sim.give(Input::Start);
        sim.run();
    }
    for file in sim.files() {
        let state = sim.state(file);
        let fine = [State::Canceled, State::Removed, State::Succeeded];
        assert!(fine.contains(&state), "{file:?} is {state:?}: {:?}", sim.failure(file));
        let is_kept = sim.storage.contains_key(sim.fingerprint(file));
        assert!(!is_kept || state == State::Removed, "the record of {file:?} outlives it");
    }
}

/// Nobody has to start anything again: one end is told of each file, and it is
/// a good one.
fn cut(seed: u64) {
    let mut dice = Dice::new(seed);
    let setup = Setup { vendor: vendor(seed), seed, ..Setup::default() };
    let has_cover = setup.vendor == Vendor::Tencent;
    let mut sim = Sim::new(setup);
    sim.faults.chance = 0.05;
    sim.faults.kinds = vec![Fault::DropBefore, Fault::DropAfter];
    for _ in 0..dice.within(1..4) {
        let cover = (has_cover && dice.chance(0.5)).then(|| dice.below(3 * MB));
        sim.add_with_cover(dice.below(30 * MB), cover);
    }
    sim.give(Input::Start);
    sim.run();
    for file in sim.files() {
        // The witness has seen that nothing follows it.
        let ends =
            |event: &Event| matches!(event, Event::Succeeded { file: of, .. } if *of == file);
        assert_eq!(sim.heard(ends), 1, "{:?}", sim.failure(file));
        assert_eq!(sim.failure(file), None);
    }
}

/// Every third world is Tencent's.
fn vendor(seed: u64) -> Vendor {
    if seed.is_multiple_of(3) { Vendor::Tencent } else { Vendor::Aliyun }
}

fn world(seed: u64, dice: &mut Dice) -> Sim {
    let vendor = vendor(seed);
    let is_tencent = vendor == Vendor::Tencent;
    let hides_headers = dice.chance(0.15);
    let habits = Habits {
        hides_headers,
        hides_crc: dice.chance(0.2),
        encrypts: dice.chance(0.1),
        forbids_list: !hides_headers && dice.chance(0.15),
        forbids_head: dice.chance(0.1),
        page: dice.pick(&[0, 0, 3, 50]),
        ends_sessions: is_tencent && dice.chance(0.3),
    };
    let part_size = dice.pick(&[None, None, Some(100 << 10), Some(MB), Some(3 * MB)]);
    let small = |dice: &mut Dice, end| u32::try_from(dice.within(1..end)).expect("small");
    // Mini programs may send to one host alone, and find no nearest region.
    let forwards = is_tencent && dice.chance(0.3);
    let races = is_tencent && !forwards && dice.chance(0.5);
    let proxied = is_tencent && dice.chance(0.2);
    let config = Config {
        forwards,
        races,
        service_endpoint: proxied.then(|| PROXY.into()),
        part_size,
        parallel: small(dice, 7),
        file_parallel: small(dice, 4),
        requests: small(dice, 9),
        retry: RetryPolicy {
            count: small(dice, 5) - 1,
            duration: Duration::from_millis(dice.pick(&[0, 100, 2_000])),
        },
        timeout: Duration::from_secs(dice.pick(&[5, 60])),
        unseen_rate: dice.pick(&[0, 0, 16 << 10]),
        largest_part: dice.pick(&[2 * MB, 32 * MB]),
        largest_form: dice.pick(&[0, 0, 0, 50_000, MB, 2 * MB, u64::MAX]),
        integrity: dice.chance(0.85),
        renewal_timeout: Duration::from_secs(dice.pick(&[0, 4, 60])),
        ..Config::default()
    };
    let day = 86_400_000;
    // Each renewal of an image is another image, which has to begin anew: it must
    // be able to get through with one credential.
    let images = !is_tencent && dice.chance(0.15);
    let lives = [3_000_000, 3_000_000, 600_000, 20_000, 3_000];
    let life = if images { 3_000_000 } else { dice.pick(&lives) };
    // A clock behind the storage's is told to forms alone by their credential.
    let skews = [0, 0, 0, 600_000, -7_200_000, 7_200_000, -30 * day, 30 * day];
    let (tells_expiry, sts) = (dice.chance(0.5), dice.chance(0.4));
    let is_told = is_tencent || config.largest_form < u64::MAX || (tells_expiry && !sts);
    let skew = if is_told { dice.pick(&skews) } else { 0 };
    // A form takes at most the hour that its policy lasts.
    let slowest = if config.largest_form == u64::MAX { MB } else { 100_000 };
    let bandwidth = dice.pick(&[slowest, MB, 4 * MB, 50 * MB]);
    let latency = dice.pick(&[(1, 5), (20, 80), (100, 400)]);
    let setup = Setup {
        vendor,
        seed,
        config,
        bandwidth,
        latency: latency.0..latency.1,
        skew,
        habits,
        app_delay: dice.pick(&[0, 50, 5_000]),
        life,
        tells_expiry,
        sts,
        account_life: dice.pick(&[3_000_000, 3_000_000, 60_000]),
        images,
        key: None,
        endpoint: dice.pick(&["https://oss-cn-shanghai.aliyuncs.com", "upload.example.test/"]),
        region: None,
        overcounts: dice.chance(0.2),
        late_answers: dice.chance(0.15),
    };
    let mut sim = Sim::new(setup);
    for _ in 0..dice.within(1..4) {
        let size = match dice.below(24) {
            0 => 0,
            1 | 2 => dice.below(102_400),
            4 => MB,
            3 if part_size == Some(100 << 10) => dice.within(20 * MB..30 * MB),
            3 => dice.within(100 * MB..500 * MB),
            _ => dice.within(MB..9 * MB),
        };
        let covers = [None, Some(dice.below(200_000)), Some(dice.below(4 * MB))];
        let cover = if is_tencent { dice.pick(&covers) } else { None };
        sim.add_with_cover(size, cover);
    }
    sim
}

fn kinds(dice: &mut Dice, sim: &Sim) -> Vec<Fault> {
    let Habits { hides_headers, hides_crc, forbids_list, .. } = sim.setup.habits;
    // Without a checksum, what somebody replaced cannot be told from ours.
    let is_seen = sim.setup.config.integrity && !(hides_headers || hides_crc || forbids_list);
    let mut kinds: Vec<_> = (0..dice.within(1..6)).map(|_| dice.pick(&PASSING)).collect();
    if dice.chance(0.3) {
        kinds.push(dice.pick(&RARE));
        // Tencent's buckets stay where they are.
        kinds.retain(|kind| sim.setup.vendor == Vendor::Aliyun || *kind != Fault::Elsewhere);
    }
    if dice.chance(0.3) && is_seen {
        kinds.push(dice.pick(&SILENT));
    }
    if dice.chance(0.3) && sim.setup.config.largest_form > 0 {
        kinds.push(Fault::FormRefused);
    }
    kinds
}

/// The application, the user or the host does something.
fn act(sim: &mut Sim, dice: &mut Dice) {
    let files = sim.files();
    let file = dice.pick(&files);
    match dice.below(16) {
        0 | 1 => sim.give(Input::Stop),
        2..=5 => sim.give(Input::Start),
        6 => sim.give(Input::Cancel(file)),
        7 if dice.chance(0.3) => sim.give(Input::Remove(file)),
        7 | 8 => sim.give(Input::Resume(file)),
        9 => sim.disconnect(dice.chance(0.7)),
        10 => sim.reconnect(),
        11 => stray(sim, dice, file),
        12 => sim.give(Input::Tick),
        13 => {
            let manners = [Manner::Expired, Manner::Elsewhere, Manner::Rubbish];
            sim.manners.push_back(dice.pick(&manners));
        }
        14 if files.len() < 5 => {
            let covers = sim.setup.vendor == Vendor::Tencent && dice.chance(0.5);
            sim.add_with_cover(3 * MB, covers.then_some(2 * MB));
        }
        _ => {
            let pause = dice.pick(&[10, 1_000, 60_000, 3_600_000]);
            sim.pass(pause);
        }
    }
}

/// Something is said that nobody asked for.
fn stray(sim: &mut Sim, dice: &mut Dice, file: FileId) {
    let id = RequestId(u32::try_from(dice.below(200)).expect("small"));
    match dice.below(7) {
        0 | 1 => {
            // Of the other kind than the one that is asked for, as often as not.
            let kind = sim.setup.sts;
            sim.setup.sts = dice.chance(0.5);
            let late = sim.grant(file, Manner::Good, None);
            sim.setup.sts = kind;
            sim.give(late);
        }
        2 => {
            let text = sim.storage.get(sim.fingerprint(file)).cloned();
            sim.give(Input::Loaded { file, text });
        }
        3 if !sim.witness.digests(id) => {
            let digest = dice.pick(&[Algorithm::Crc64, Algorithm::Md5]);
            let digest = match (dice.chance(0.3), digest) {
                (true, _) => Err(Error::new(ErrorKind::FileUnreadable, "ReadFileError", "x", "")),
                (_, Algorithm::Crc64) => Ok(Digest::Crc64(7)),
                (_, Algorithm::Md5) => Ok(Digest::Md5("7".repeat(32))),
            };
            sim.give(Input::Digested(id, digest));
        }
        4 if !sim.witness.is_unanswered(id) => {
            sim.give(Input::Responded(id, Response { status: 200, ..Response::default() }));
        }
        _ => sim.give(Input::Progress(id, dice.below(3 * MB))),
    }
}

fn always_failing(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut sim = world(seed, &mut dice);
    sim.setup.life = u64::MAX / 4;
    let fault = dice.pick(&FAILING);
    let calls = [
        Call::CreateUpload,
        Call::Initiate,
        Call::Part,
        Call::Put,
        Call::Post,
        Call::Complete,
        Call::List,
        Call::CommitUpload,
    ];
    let from = usize::try_from(dice.below(4)).expect("small");
    for call in calls.into_iter().skip(from) {
        sim.fault(call, 0..usize::MAX, fault);
    }
    sim.give(Input::Start);
    sim.run();
    let (parallel, count) = (sim.setup.config.parallel, sim.setup.config.retry.count);
    // A network that was there is waited for: two minutes, five seconds each.
    let is_transport = matches!(fault, Fault::DropBefore | Fault::Stall);
    let outage = if is_transport && count > 0 { 24 + 1 } else { 0 };
    let limit = usize::try_from(parallel * (count + 1 + outage)).expect("small");
    for file in sim.files() {
        let state = sim.state(file);
        assert_eq!(state, State::Failed);
        let sent = sim.sent.iter().filter(|sent| sent.file == file && sent.call == Call::Part);
        let sent = sent.count();
        assert!(sent <= limit || from == 3, "{sent} requests in place of {limit}");
        // Each attempt of a call takes a signature of its own, and no more.
        let calls = sim.sent.iter().filter(|sent| sent.file == file && sent.call.is_service());
        let signed = calls.filter(|sent| sent.call != Call::ProbeRegion).count();
        let asks =
            |event: &Event| matches!(event, Event::TokenNeeded { file: of, .. } if *of == file);
        let is_tencent = sim.setup.vendor == Vendor::Tencent;
        // What is asked for a race may come too late for it, and is used then.
        let asked = sim.heard(asks);
        assert!(!is_tencent || (signed..=signed + 1).contains(&asked), "{signed} of {asked}");
    }
}

/// Faults that an upload dies of when they do not end.
const FAILING: [Fault; 7] = [
    Fault::Bare(502),
    Fault::DropBefore,
    Fault::Portal,
    Fault::Stall,
    Fault::Throttle,
    Fault::Trouble,
    Fault::TroubleIn200,
];
