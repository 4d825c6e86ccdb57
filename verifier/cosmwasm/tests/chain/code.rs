//! What a chain checks before it stores code.
//!
//! Rules: `cosmwasm-vm` 3.0, `compatibility.rs`, `parsed_wasm.rs`, `config.rs` and `wasm_backend/gatekeeper.rs`, which
//! `cosmwasm-check` runs. The size is wasmd's, `x/wasm/types/validation.go`.

use wasmparser::{ExternalKind, Parser, Payload, TypeRef, ValidPayload, Validator, WasmFeatures};

use crate::{host, meter::locals};

pub(crate) const MAX_SIZE: u64 = 800 << 10;
pub(crate) const MAX_PAGES: u64 = 512;
const MAX_TABLE: u64 = 2_500;
const MAX_FUNCTIONS: u64 = 20_000;
const MAX_PARAMS: usize = 100;
const MAX_TOTAL_PARAMS: usize = 10_000;
const MAX_RESULTS: usize = 1;
const MAX_LOCALS: u64 = 100;
const MAX_TOTAL_LOCALS: u64 = 10_000;

/// Of functions of the host, those that such a contract may need.
const IMPORTS: [&str; 7] =
    ["abort", "addr_canonicalize", "addr_validate", "db_read", "db_remove", "db_write", "query_chain"];
/// Named by the interface.
const EXPORTS: [&str; 6] = ["allocate", "deallocate", "execute", "instantiate", "interface_version_8", "query"];

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn a_chain_stores_the_code() {
    let code = host::code();
    assert!(code.len() as u64 <= MAX_SIZE, "{} bytes", code.len());
    // Operations of memory in bulk, on references and vectors are refused. Floats are not, since the machine makes NaN
    // canonical; here they parse and print JSON, and compare scales.
    let features = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::FLOATS;
    let mut validator = Validator::new_with_features(features);
    let (mut types, mut params) = (Vec::new(), 0);
    let (mut functions, mut all_locals, mut memories, mut exports) = (0, 0, 0, Vec::new());
    for payload in Parser::new(0).parse_all(&code) {
        let payload = payload.unwrap();
        if let ValidPayload::Func(function, body) = validator.payload(&payload).unwrap() {
            function.into_validator(Default::default()).validate(&body).unwrap();
            functions += 1;
            all_locals += locals(&body);
            assert!(locals(&body) <= MAX_LOCALS, "a function has {} locals", locals(&body));
        }
        match payload {
            Payload::TypeSection(section) => {
                for function in section.into_iter_err_on_gc_types() {
                    let function = function.unwrap();
                    types.push(function.params().len());
                    assert!(function.params().len() <= MAX_PARAMS && function.results().len() <= MAX_RESULTS);
                }
            }
            Payload::FunctionSection(section) => {
                params = section.into_iter().map(|index| types[index.unwrap() as usize]).sum();
            }
            Payload::ImportSection(section) => {
                for import in section {
                    let import = import.unwrap();
                    assert!(matches!(import.ty, TypeRef::Func(_)), "{} is no function", import.name);
                    assert!(import.module == "env" && IMPORTS.contains(&import.name), "{} is imported", import.name);
                }
            }
            Payload::TableSection(section) => {
                assert_eq!(section.count(), 1);
                for table in section {
                    assert!(table.unwrap().ty.maximum.is_some_and(|most| most <= MAX_TABLE));
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    let memory = memory.unwrap();
                    assert!(memory.initial <= MAX_PAGES && memory.maximum.is_none());
                    memories += 1;
                }
            }
            Payload::ExportSection(section) => {
                let functions = section.into_iter().map(Result::unwrap).filter(|e| e.kind == ExternalKind::Func);
                exports.extend(functions.map(|e| e.name.to_owned()));
            }
            _ => {}
        }
    }
    assert_eq!(memories, 1);
    exports.sort_unstable();
    assert_eq!(exports, EXPORTS);
    assert!(functions > 0 && functions <= MAX_FUNCTIONS && params <= MAX_TOTAL_PARAMS);
    assert!(all_locals <= MAX_TOTAL_LOCALS, "functions have {all_locals} locals");
}
