//! The simulated world: clock, network, storage, application and a fake cloud.
//!
//! Everything follows from a seed. [`Sim::run`] jumps to the next arrival or
//! wake until nothing is left to happen; a [`Witness`] judges every output on
//! the way, and a world that does not come to rest is a failure.
#![allow(dead_code)] // each test file uses its part of the world
#![allow(clippy::struct_excessive_bools)] // each is one thing that is so or not

pub(crate) mod cloud;
pub(crate) mod content;
mod cos;
mod drive;
mod grants;
pub(crate) mod network;
mod records;
pub(crate) mod service;
mod setup;
pub(crate) mod text;
pub(crate) mod ugc;
pub(crate) mod vendors;
mod watched;
pub(crate) mod wire;
pub(crate) mod witness;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use vodupload::{
    Cos, Digest, Error, Event, FileId, FileInfo, Input, Oss, Overrides, Request, RequestId,
    Response, Timestamp, Ugc, Uploader, Vod,
};

pub(crate) use cloud::{Cloud, Habits};
pub(crate) use grants::Manner;
pub(crate) use network::{Dice, Fault, Faults};
pub(crate) use service::VodService;
pub(crate) use setup::{Memory, Setup};
pub(crate) use ugc::UgcService;
pub(crate) use vendors::Vendor;
pub(crate) use watched::State;
pub(crate) use wire::Call;
pub(crate) use witness::{Remote, Witness};

/// 2026-11-21T05:20:00Z, when all simulations begin.
pub(crate) const BEGIN: u64 = 1_795_238_400_000;

/// A binary megabyte.
pub(crate) const MB: u64 = 1 << 20;

/// A cover has the number of its file and this: with bytes of its own.
pub(crate) const COVERS: u32 = 100;

/// No story takes more dispatches: a world that goes on turns in circles.
const MAX_STEPS: u64 = 200_000;

/// No instant takes more dispatches: a core that asks for one is spinning.
const MAX_STEPS_AT_ONCE: u64 = 400;

/// Something on its way.
#[derive(Debug)]
enum Arrival {
    Answer(RequestId, Response),
    Break(RequestId, Error),
    Digest(RequestId, Result<Digest, Error>),
    Deliver(RequestId, Request, Option<Fault>),
    /// The storage does at last what nobody may be waiting for any more.
    Dawdle(RequestId, Request),
    Give(Input),
    Grant(FileId, Manner, Option<String>),
    Moved(RequestId, u64),
}

/// A request that the core has sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) file: FileId,
    pub(crate) call: Call,
    pub(crate) number: u32,
    pub(crate) bytes: u64,
}

/// The world.
pub(crate) struct Sim {
    pub(crate) setup: Setup,
    /// The true time in milliseconds since 1970.
    pub(crate) now: u64,
    pub(crate) cloud: Cloud,
    pub(crate) service: VodService,
    pub(crate) ugc: UgcService,
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    pub(crate) storage: BTreeMap<String, String>,
    pub(crate) memory: Memory,
    /// How the application will answer, in turn; well when none is left.
    pub(crate) manners: VecDeque<Manner>,
    pub(crate) witness: Witness,
    pub(crate) events: Vec<Event>,
    pub(crate) sent: Vec<Sent>,
    /// The `Authorization` of each request that has one.
    pub(crate) authorizations: Vec<String>,
    pub(crate) steps: u64,
    /// How often the host was asked for a digest.
    pub(crate) digests: usize,
    uploader: Uploader,
    infos: BTreeMap<FileId, FileInfo>,
    /// By the file that they belong to.
    covers: BTreeMap<FileId, FileInfo>,
    arrivals: BTreeMap<(u64, u64), Arrival>,
    serial: u64,
    wake: Option<Timestamp>,
    is_down: bool,
    steps_now: u64,
    videos: u32,
    /// The application's account of which video each file became.
    videos_of: BTreeMap<FileId, String>,
    trace: bool,
}

impl Sim {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            now: BEGIN,
            cloud: Cloud { vendor: setup.vendor, habits: setup.habits, ..Cloud::default() },
            service: VodService::default(),
            ugc: UgcService::default(),
            faults: Faults::default(),
            dice: Dice::new(setup.seed),
            storage: BTreeMap::new(),
            memory: Memory::Good,
            manners: VecDeque::new(),
            witness: Witness::new(&setup),
            events: Vec::new(),
            sent: Vec::new(),
            authorizations: Vec::new(),
            steps: 0,
            digests: 0,
            uploader: uploader(&setup),
            infos: BTreeMap::new(),
            covers: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            serial: 0,
            wake: None,
            is_down: false,
            steps_now: 0,
            videos: 0,
            videos_of: BTreeMap::new(),
            trace: std::env::var_os("VODUPLOAD_TRACE").is_some(),
            setup,
        }
    }

    /// A world with one file of `size` bytes, queued and started.
    pub(crate) fn started(setup: Setup, size: u64) -> (Self, FileId) {
        let mut sim = Self::new(setup);
        let file = sim.add(size);
        sim.give(Input::Start);
        (sim, file)
    }

    /// Queues a file of `size` bytes.
    pub(crate) fn add(&mut self, size: u64) -> FileId {
        self.add_with_cover(size, None)
    }

    /// Queues a file of `size` bytes, and its cover if there is one.
    pub(crate) fn add_with_cover(&mut self, size: u64, cover: Option<u64>) -> FileId {
        let file = FileId(u32::try_from(self.infos.len()).expect("few files") + 1);
        let extension = if self.setup.images { "png" } else { "mp4" };
        let name = format!("我的 video {}.{extension}", file.0);
        let info = FileInfo {
            fingerprint: format!("upload_1700000000000_{name}_{size}"),
            name,
            size,
            last_modified: 1_700_000_000_000,
            content_type: "video/mp4".into(),
            is_image: self.setup.images,
            metadata: String::new(),
        };
        if let Some(size) = cover {
            let name = format!("cover {}.jpg", file.0);
            let info = FileInfo { name, size, content_type: "image/jpeg".into(), ..info.clone() };
            self.covers.insert(file, info);
        }
        self.infos.insert(file, info.clone());
        self.queue(file, info);
        file
    }

    fn queue(&mut self, file: FileId, info: FileInfo) {
        self.give(Input::Add { file, info, overrides: self.overrides() });
        if let Some(info) = self.covers.get(&file).cloned() {
            self.give(Input::AddCover { file, cover: FileId(file.0 + COVERS), info });
        }
    }

    fn overrides(&self) -> Overrides {
        Overrides { key: self.setup.key.map(Into::into), ..Overrides::default() }
    }

    pub(crate) fn fault(&mut self, call: Call, which: Range<usize>, fault: Fault) {
        self.faults.script(call, which, fault);
    }

    /// Runs until nothing is left to happen.
    pub(crate) fn run(&mut self) {
        while self.step() {}
    }

    /// Runs until `reached`, which must come.
    pub(crate) fn run_until(&mut self, reached: impl Fn(&Self) -> bool) {
        while !reached(self) {
            assert!(self.step(), "it never came to that");
        }
    }

    /// Lets `millis` pass.
    pub(crate) fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.next_instant().is_some_and(|at| at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Jumps to whatever comes next; false when nothing does.
    pub(crate) fn step(&mut self) -> bool {
        let Some(at) = self.next_instant() else {
            self.is_at_rest();
            return false;
        };
        self.steps_now = if at > self.now { 0 } else { self.steps_now };
        self.now = self.now.max(at);
        if self.wake_instant().is_some_and(|wake| wake <= self.now) {
            self.wake = None;
            self.give(Input::Tick);
            return true;
        }
        let (_, arrival) = self.arrivals.pop_first().expect("the next instant has an arrival");
        self.arrive(arrival);
        true
    }

    /// Gives the core an input and performs what it answers.
    #[allow(clippy::needless_pass_by_value)] // an input is made to be given
    pub(crate) fn give(&mut self, input: Input) {
        self.steps += 1;
        self.steps_now += 1;
        assert!(self.steps < MAX_STEPS, "the world does not come to rest");
        assert!(self.steps_now < MAX_STEPS_AT_ONCE, "the core spins");
        if self.trace {
            eprintln!("{:>9} > {input:?}", self.now - BEGIN);
        }
        let is_welcome = match &input {
            Input::Authorize { file, .. } => self.uploader.awaits_credential(*file),
            _ => false,
        };
        self.witness.before(&input, is_welcome);
        let outputs = self.uploader.dispatch(self.device_time(), input.clone());
        for output in outputs {
            if self.trace {
                eprintln!("{:>9} < {output:?}", self.now - BEGIN);
            }
            let remote = Remote { cloud: &self.cloud, vod: &self.service, ugc: &self.ugc };
            self.witness.sees(self.setup.device_time(self.now), &output, &remote);
            self.perform(output);
        }
        self.witness.after(&input, &self.uploader);
    }

    /// Ends the process: what it knew and waited for is gone, but for what is
    /// stored. All files are added anew.
    pub(crate) fn reload(&mut self) {
        self.setup.seed += 1;
        self.uploader = uploader(&self.setup);
        // A part that is late may take the place of one that was laid out
        // otherwise since: nothing but a digest tells that it is another.
        let is_told = self.setup.config.integrity;
        self.arrivals.retain(|_, arrival| match arrival {
            Arrival::Dawdle(id, _) if is_told => {
                *id = RequestId(0); // of no request of the next process
                true
            }
            _ => false,
        });
        self.wake = None;
        self.videos_of.clear();
        self.witness = self.witness.reloaded(&self.setup);
        for (file, info) in self.infos.clone() {
            if !self.witness.knows(file) {
                self.queue(file, info);
            }
        }
        if self.is_down {
            self.give(Input::Offline);
        }
    }

    /// Takes the network away; the host may notice.
    pub(crate) fn disconnect(&mut self, is_noticed: bool) {
        self.is_down = true;
        for id in self.witness.unanswered() {
            self.after(0, Arrival::Break(id, network::broken()));
        }
        if is_noticed {
            self.give(Input::Offline);
        }
    }

    /// Gives the network back, and the host does not notice.
    pub(crate) fn is_back(&mut self) {
        self.is_down = false;
    }

    /// Gives the network back.
    pub(crate) fn reconnect(&mut self) {
        self.is_back();
        self.give(Input::Online);
    }

    /// Rights everything that is wrong with the world.
    pub(crate) fn heal(&mut self) {
        self.faults.clear();
        self.manners.clear();
        self.memory = Memory::Good;
        self.setup.life = u64::MAX / 4;
        self.setup.account_life = u64::MAX / 4;
        self.cloud.habits.forbids_list = false;
        self.reconnect();
    }

    pub(crate) fn state(&self, file: FileId) -> State {
        self.witness.state(file)
    }

    pub(crate) fn files(&self) -> Vec<FileId> {
        self.infos.keys().copied().collect()
    }

    /// How many requests of `call` were sent.
    pub(crate) fn count(&self, call: Call) -> usize {
        self.sent.iter().filter(|sent| sent.call == call).count()
    }

    /// How many events are as `is` says.
    pub(crate) fn heard(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is(event)).count()
    }

    /// The code that the file failed with last.
    pub(crate) fn failure(&self, file: FileId) -> Option<&str> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Failed { file: failed, error } if *failed == file => Some(&*error.code),
            _ => None,
        })
    }

    /// The bytes of the file that the core says have left.
    pub(crate) fn shown(&self, file: FileId) -> u64 {
        let shown = self.events.iter().rev().find_map(|event| match event {
            Event::Progress { file: of, sent, .. } if *of == file => Some(*sent),
            _ => None,
        });
        shown.unwrap_or(0)
    }

    pub(crate) fn fingerprint(&self, file: FileId) -> &str {
        &self.infos[&file].fingerprint
    }

    pub(crate) fn info(&self, file: FileId) -> &FileInfo {
        &self.infos[&file]
    }

    pub(crate) fn cover(&self, file: FileId) -> Option<&FileInfo> {
        self.covers.get(&file)
    }

    /// Where the core says that the file goes.
    pub(crate) fn target(&self, file: FileId) -> &vodupload::Target {
        self.uploader.target(file).expect("the file is there")
    }

    /// Whether the core would take a credential for the file.
    pub(crate) fn awaits(&self, file: FileId) -> bool {
        self.uploader.awaits_credential(file)
    }

    fn device_time(&self) -> Timestamp {
        self.setup.device_time(self.now)
    }

    fn wake_instant(&self) -> Option<u64> {
        self.wake.map(|wake| wake.shifted(-self.setup.skew).0)
    }

    fn next_instant(&self) -> Option<u64> {
        let arrival = self.arrivals.keys().next().map(|(at, _)| *at);
        [arrival, self.wake_instant()].into_iter().flatten().min()
    }

    /// Nothing will happen: then every running file must wait for a credential,
    /// or for its turn behind files that do.
    fn is_at_rest(&self) {
        let asking = self.files().into_iter().filter(|file| self.awaits(*file)).count();
        let is_full = asking >= self.setup.config.file_parallel as usize;
        for file in self.files() {
            let state = self.state(file);
            let waits = state != State::Active || self.awaits(file) || is_full;
            assert!(waits, "{file:?} waits for nothing");
        }
    }

    /// Has something arrive `millis` from now.
    fn after(&mut self, millis: u64, arrival: Arrival) {
        self.serial += 1;
        self.arrivals.insert((self.now + millis, self.serial), arrival);
    }
}

fn uploader(setup: &Setup) -> Uploader {
    match setup.vendor {
        Vendor::Aliyun => Uploader::new(setup.config.clone(), &Oss, &Vod, setup.seed),
        Vendor::Tencent => Uploader::new(setup.config.clone(), &Cos, &Ugc, setup.seed),
    }
}
