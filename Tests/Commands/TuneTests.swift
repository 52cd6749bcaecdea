import TestSupport
import Testing

/// `cka-bench tune`: what it refuses. What it finds is tested with the library.
@Suite struct TuneTests {
  @Test(arguments: [
    ("cpu", 64), ("auto", 64), ("opencl:all", 64), ("opencl:x", 64), ("opencl:99", 69),
  ])
  func refusesOtherDevices(device: String, status: Int) throws {
    let cka = try Cka()
    let tune = cka.shell("bench=${1%/*}/cka-bench; shift; exec \"$bench\" tune \"$@\"")
    let run = try tune("--device", device, "--dry-run")
    #expect(run.code == Int32(status))
    #expect(run.output.isEmpty && run.errors.contains("--device \(device)"), "\(run.errors)")
    try cka.expectNothingWritten()
  }
}
