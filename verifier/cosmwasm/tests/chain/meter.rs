//! Counts gas as CosmWasm's virtual machine does: 115 for each operator, and fourteen times as much for one that control may
//! pass to or leave from; functions with many locals pay for them. Storage and other calls of the host are not counted.
//!
//! Costs: `cosmwasm-vm` 3.0, `wasm_backend/engine.rs` and `metering.rs`.

use std::convert::Infallible;

use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction, Module, TypeSection, ValType,
    reencode::{Error, Reencode, utils},
};
use wasmparser::{ExportSectionReader, FunctionBody, GlobalSectionReader, Operator, Parser};

/// The name of the exported global that counts.
pub(crate) const GAS: &str = "gas";
/// Gas of the virtual machine for one of the chain: the default of wasmd since CosmWasm 2, `x/wasm/types/gas_register.go`.
pub(crate) const MULTIPLIER: u64 = 140_000;

const OPERATOR: u64 = 115;
const ACCOUNTING: u64 = 14 * OPERATOR;
/// Locals that cost nothing.
const FREE_LOCALS: u64 = 29;

/// A module that counts what it takes.
pub(crate) fn metered(code: &[u8]) -> Vec<u8> {
    let mut module = Module::new();
    Meter { gas: 0 }.parse_core_module(&mut module, Parser::new(0), code).unwrap();
    module.finish()
}

struct Meter {
    /// The index of the global.
    gas: u32,
}

impl Reencode for Meter {
    type Error = Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_global_section(self, globals, section)?;
        // The last one, so that no other changes its index; none is imported.
        self.gas = globals.len();
        globals.global(GlobalType { val_type: ValType::I64, mutable: true, shared: false }, &ConstExpr::i64_const(0));
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(GAS, ExportKind::Global, self.gas);
        Ok(())
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut cost = OPERATOR * locals(&body).saturating_sub(FREE_LOCALS);
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            let accounting = is_accounting(&operator);
            cost += if accounting { ACCOUNTING } else { OPERATOR };
            if accounting {
                for instruction in [
                    Instruction::GlobalGet(self.gas),
                    Instruction::I64Const(cost.try_into().unwrap()),
                    Instruction::I64Add,
                    Instruction::GlobalSet(self.gas),
                ] {
                    function.instruction(&instruction);
                }
                cost = 0;
            }
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}

/// Locals that a function defines.
pub(crate) fn locals(body: &FunctionBody<'_>) -> u64 {
    let reader = body.get_locals_reader().unwrap();
    reader.into_iter().map(|local| u64::from(local.unwrap().0)).sum()
}

fn is_accounting(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::Loop { .. }
            | Operator::End
            | Operator::If { .. }
            | Operator::Else
            | Operator::Br { .. }
            | Operator::BrTable { .. }
            | Operator::BrIf { .. }
            | Operator::Call { .. }
            | Operator::CallIndirect { .. }
            | Operator::Return
    )
}

#[test]
fn a_loop_pays_each_time() {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(7));
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0);
    let mut code = CodeSection::new();
    let mut function = Function::new([(31, ValType::I32)]);
    let mut body = function.instructions();
    body.i32_const(3).local_set(0);
    body.loop_(BlockType::Empty).local_get(0).i32_const(1).i32_sub().local_tee(0).br_if(0).end().end();
    code.function(&function);
    module.section(&types).section(&functions).section(&globals).section(&exports).section(&code);

    let module = wasmi::Module::new(&wasmi::Engine::default(), metered(&module.finish())).unwrap();
    let mut store = wasmi::Store::new(module.engine(), ());
    let instance = wasmi::Linker::new(module.engine()).instantiate_and_start(&mut store, &module).unwrap();
    instance.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ()).unwrap();
    let gas = instance.get_global(&store, GAS).unwrap().get(&store).i64();
    // Two locals too many; a number into a local, and the loop; each round; two ends.
    assert_eq!(gas, Some(2 * 115 + (2 * 115 + 1610) + 3 * (4 * 115 + 1610) + 2 * 1610));
}
