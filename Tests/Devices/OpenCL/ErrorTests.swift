import Activations
import COpenCL
import Device
import TestSupport
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
      try runtime.kernel("no_such_kernel", of: runtime.tuning.gramProgram)
    }
  }

  /// A file that was cut short ends the call with an error; the device works on.
  @Test(arguments: [ScalarType.float32, .float64]) func unreadableActivations(type: ScalarType)
    throws
  {
    let device = try Fixture.device()
    let good = Activations64.normal(n: 8, p: 5, seed: 1).layer()
    let shape = try #require(LayerShape(exampleCount: 8, featureAxes: [5]))
    let storage = CutStorage(byteCount: 8 * 5 * type.size)
    let block = LayerActivations.Block(
      firstExample: 0, exampleCount: 8, bytes: UnsafeRawBufferPointer(storage.bytes),
      storage: storage)
    let cut = LayerActivations(name: "cut", shape: shape, scalarType: type, blocks: [block])
    func stack(_ layers: [LayerActivations]) throws(DeviceError) -> OpenCLGramStack {
      try device.gramStack(
        of: Minibatch(layers: layers, examples: Array(0..<8)), kernel: .linear,
        centering: .unbiased)
    }
    do {
      _ = try stack([good, cut])
      Issue.record("unreadable activations were read")
    } catch {
      #expect(error.kind == .input)
      #expect(error.context.contains("cut short"))
    }
    #expect(try stack([good]).layers[0].isFinite)
  }
}

/// A mapped file that has become shorter.
private final class CutStorage: ActivationStorage, @unchecked Sendable {
  // @unchecked: nobody writes to `bytes`.
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  var isFile: Bool { true }

  func check(_ bytes: UnsafeRawBufferPointer) throws(ActivationReadError) {
    throw ActivationReadError(path: "file", reason: "cut short")
  }

  func read(
    _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    throw ActivationReadError(path: "file", reason: "cut short")
  }

  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
  func prefetch(_ bytes: UnsafeRawBufferPointer) {}
  func evict(_ bytes: UnsafeRawBufferPointer) {}
}
