// The plugin contract in Rust, by hand from <sesame/plugin.h>, tool.h and services.h: as far as a tool
// needs it whose functions answer at once. All unsafe code is here; no panic leaves a function that
// the host calls.

#![allow(dead_code)] // members of the contract that are not used here

use std::ffi::CStr;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

// ---- what crosses ---------------------------------------------------------------------------

type HostPtr = *const HostTable;
#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    data: *const c_char,
    len: usize,
}
#[repr(C)]
struct HostTable {
    texts: [*const c_char; 2], // name, version
    get_service: unsafe extern "C" fn(HostPtr, *const c_char) -> *const c_void,
}
#[repr(C)]
pub struct Plugin {
    texts: [*const c_char; 4], // id, version, description, config_schema
    needs: *const *const c_char,
    offers: *const *const c_char,
    get_interface: unsafe extern "C" fn(*const c_char) -> *const c_void,
    create: unsafe extern "C" fn(HostPtr, Text, *mut *mut c_void) -> i32,
    stop: Option<unsafe extern "C" fn(*mut c_void) -> i32>,
    destroy: unsafe extern "C" fn(*mut c_void),
}
#[repr(C)]
struct Request {
    function: Text,
    arguments: Text,
    deadline_ms: i64,
    context: Text,
}
#[repr(C)]
struct ToolTable {
    list: unsafe extern "C" fn(*mut c_void, u64, i64),
    call: unsafe extern "C" fn(*mut c_void, u64, *const Request),
    cancel: unsafe extern "C" fn(*mut c_void, u64),
}
#[repr(C)]
struct ToolHost {
    complete: unsafe extern "C" fn(HostPtr, u64, i32, Text) -> i32,
    others: [*const c_void; 3], // emit, changed, is_cancelled
}
#[repr(C)]
struct Clock {
    monotonic_ms: *const c_void,
    wall_ms: unsafe extern "C" fn(HostPtr) -> i64,
}
#[repr(C)]
struct JsonTable {
    check: *const c_void,
    find: unsafe extern "C" fn(HostPtr, Text, Text, *mut Text) -> i32,
    next: *const c_void,
    unquote: unsafe extern "C" fn(HostPtr, Text, *mut c_char, usize, *mut usize) -> i32,
    quote: unsafe extern "C" fn(HostPtr, Text, *mut c_char, usize, *mut usize) -> i32,
}
const _: () = {
    use std::mem::size_of;
    assert!(size_of::<Text>() == 16 && size_of::<HostTable>() == 24 && size_of::<Plugin>() == 80);
    assert!(size_of::<Request>() == 56 && size_of::<ToolTable>() == 24);
    assert!(size_of::<ToolHost>() == 32 && size_of::<Clock>() == 16 && size_of::<JsonTable>() == 40);
};
const OK: i32 = 0;
const INTERNAL: i32 = 8;
unsafe impl Sync for Plugin {} // a constant

macro_rules! c {
    ($text:expr) => {
        concat!($text, "\0").as_ptr().cast::<c_char>()
    };
}

// ---- the host as a tool sees it -------------------------------------------------------------

struct Services {
    host: HostPtr,
    tool: *const ToolHost,
    clock: *const Clock,
    json: *const JsonTable,
}

// A JSON object: a configuration, or the arguments of a call. Valid during the call.
pub struct Object<'a> {
    services: &'a Services,
    json: Text,
}

pub struct Host<'a>(&'a Services);

fn text(words: &str) -> Text {
    Text { data: words.as_ptr().cast(), len: words.len() }
}

impl Services {
    // None: one is missing.
    unsafe fn open(host: HostPtr) -> Option<Services> {
        let get = |id| Some(((*host).get_service)(host, id)).filter(|table| !table.is_null());
        Some(Services {
            host,
            tool: get(c!("sesame.tool-host/1"))?.cast(),
            clock: get(c!("sesame.clock/1"))?.cast(),
            json: get(c!("sesame.json/1"))?.cast(),
        })
    }

    fn quote(&self, words: &str) -> String {
        let (mut bytes, mut len) = (vec![0u8; words.len() * 6 + 2], 0usize);
        let out = bytes.as_mut_ptr().cast();
        unsafe { ((*self.json).quote)(self.host, text(words), out, bytes.len(), &mut len) };
        bytes.truncate(len);
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn complete(&self, call: u64, status: i32, data: &str) {
        unsafe { ((*self.tool).complete)(self.host, call, status, text(data)) };
    }
}

impl Object<'_> {
    // The text at a JSON pointer (RFC 6901).
    pub fn get(&self, pointer: &str) -> Option<String> {
        let (host, json) = (self.services.host, unsafe { &*self.services.json });
        let (mut found, mut len) = (text(""), 0usize);
        if unsafe { (json.find)(host, self.json, text(pointer), &mut found) } != OK {
            return None;
        }
        let mut bytes = vec![0u8; found.len];
        let out = bytes.as_mut_ptr().cast();
        if unsafe { (json.unquote)(host, found, out, bytes.len(), &mut len) } != OK {
            return None;
        }
        bytes.truncate(len);
        String::from_utf8(bytes).ok()
    }
}

impl Host<'_> {
    // Seconds since 1970.
    pub fn now_s(&self) -> i64 {
        unsafe { ((*self.0.clock).wall_ms)(self.0.host) }.div_euclid(1000)
    }
}

// ---- a tool -----------------------------------------------------------------------------------

pub trait Tool: Sized {
    const FUNCTIONS: &'static str; // JSON, as `list` of sesame.tool/1 answers it

    // None: the configuration is not usable, which its schema should have said.
    fn create(config: &Object) -> Option<Self>;

    // The text for the model; or what it did wrong.
    fn run(&self, host: &Host, function: &str, arguments: &Object) -> Result<String, String>;
}

struct Instance<T> {
    services: Services,
    tool: T,
}

unsafe fn run<T: Tool>(instance: &Instance<T>, request: &Request) -> (i32, String) {
    let name = std::slice::from_raw_parts(request.function.data.cast::<u8>(), request.function.len);
    let services = &instance.services;
    let arguments = Object { services, json: request.arguments };
    let name = std::str::from_utf8(name).unwrap_or_default();
    let (words, end) = match instance.tool.run(&Host(services), name, &arguments) {
        Ok(words) => (words, "}"),
        Err(words) => (words, ",\"is_error\":true}"),
    };
    (OK, format!("{{\"text\":{}{}", services.quote(&words), end))
}

unsafe extern "C" fn list<T: Tool>(instance: *mut c_void, call: u64, _deadline_ms: i64) {
    (*instance.cast::<Instance<T>>()).services.complete(call, OK, T::FUNCTIONS);
}

unsafe extern "C" fn call<T: Tool>(instance: *mut c_void, call: u64, request: *const Request) {
    let instance = &*instance.cast::<Instance<T>>();
    let (status, data) = catch_unwind(AssertUnwindSafe(|| run(instance, &*request)))
        .unwrap_or_else(|_| (INTERNAL, String::from("the tool failed")));
    instance.services.complete(call, status, &data);
}

unsafe extern "C" fn cancel(_instance: *mut c_void, _call: u64) {}

unsafe extern "C" fn get_interface<T: Tool>(id: *const c_char) -> *const c_void {
    let table: &'static ToolTable = &ToolTable { list: list::<T>, call: call::<T>, cancel };
    if CStr::from_ptr(id).to_bytes() == b"sesame.tool/1" {
        (table as *const ToolTable).cast()
    } else {
        std::ptr::null()
    }
}

unsafe extern "C" fn create<T: Tool>(host: HostPtr, json: Text, out: *mut *mut c_void) -> i32 {
    let made = catch_unwind(AssertUnwindSafe(|| {
        // Of this library's own copy of std: a panic is told to the host, and written nowhere.
        std::panic::set_hook(Box::new(|_| {}));
        let services = Services::open(host)?;
        let tool = T::create(&Object { services: &services, json })?;
        Some(Box::into_raw(Box::new(Instance { services, tool })))
    }));
    made.ok().flatten().map_or(INTERNAL, |instance| {
        *out = instance.cast();
        OK
    })
}

unsafe extern "C" fn destroy<T: Tool>(instance: *mut c_void) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(instance.cast::<Instance<T>>()))));
}

const NEEDS: &[*const c_char; 4] =
    &[c!("sesame.tool-host/1"), c!("sesame.clock/1"), c!("sesame.json/1"), std::ptr::null()];
const OFFERS: &[*const c_char; 2] = &[c!("sesame.tool/1"), std::ptr::null()];

const fn c_text(text: &'static str) -> *const c_char {
    assert!(text.as_bytes()[text.len() - 1] == 0, "a text of the descriptor must end with NUL");
    text.as_ptr().cast()
}

impl Plugin {
    // The descriptor of a tool; texts of C: each ends with "\0".
    pub const fn of<T: Tool>(
        id: &'static str,
        version: &'static str,
        description: &'static str,
        config_schema: &'static str,
    ) -> Plugin {
        Plugin {
            texts: [c_text(id), c_text(version), c_text(description), c_text(config_schema)],
            needs: NEEDS.as_ptr(),
            offers: OFFERS.as_ptr(),
            get_interface: get_interface::<T>,
            create: create::<T>,
            stop: None,
            destroy: destroy::<T>,
        }
    }
}
