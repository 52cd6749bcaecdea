import COpenCL
import Device
import Testing

@testable import OpenCLDevice

struct ErrorTests {
  @Test func buildErrorsCarryTheLog() throws {
    let runtime = try Fixture.runtime()
    let source = KernelVariant.Source(
      name: "broken.cl",
      files: [("broken.cl", "__kernel void broken() {\n  undeclared_name = 1;\n}\n")])
    do {
      _ = try runtime.kernel("broken", of: KernelVariant(source))
      Issue.record("a broken kernel was compiled")
    } catch {
      #expect(error.call == "clBuildProgram")
      #expect(error.code?.rawValue == CL_BUILD_PROGRAM_FAILURE)
      #expect(error.context.contains("undeclared_name"))
      #expect(error.context.contains("broken.cl"))
    }
  }

  @Test func codesSurvive() {
    for code: Int32 in [-4, -5, -6, -61] {
      #expect(Calls.error(code, "call", "context").kind == .outOfMemory)
    }
    #expect(Calls.error(-1001, "call", "context").kind == .notFound)
    let unknown = Calls.error(-9999, "clSomething", "context")
    #expect(unknown.kind == .failed)
    #expect(unknown.code?.rawValue == -9999)
    #expect("\(unknown)" == "clSomething failed (status -9999): context")
  }

  @Test func variantsAreKeys() {
    let a = KernelVariant(.gram, defines: ["TILE": "32", "REGISTERS": "4"])
    let b = KernelVariant(.gram, defines: ["REGISTERS": "4", "TILE": "32"])
    #expect(a == b)
    #expect(a.options == "-cl-std=CL1.2 -DREGISTERS=4 -DTILE=32")
    #expect(a != KernelVariant(.gram))
  }

  @Test func devicesAreDescribed() throws {
    let description = try Fixture.description()
    #expect(!description.name.isEmpty && !description.platform.isEmpty)
    #expect(description.globalMemory > 0 && description.largestAllocation > 0)
    #expect(description.info.id == "opencl:\(description.index)")
    #expect(description.version.hasPrefix("OpenCL "))
  }

  @Test func aMissingKernelIsAnError() throws {
    let runtime = try Fixture.runtime()
    #expect(throws: DeviceError.self) {
      try runtime.kernel("no_such_kernel", of: runtime.tuning.gram)
    }
  }
}
