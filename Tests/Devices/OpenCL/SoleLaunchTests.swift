import Testing

@testable import OpenCLDevice

@Suite struct SoleLaunchTests {
  /// "Assertion `found->ref_count > 0' failed" in PoCL before 6.0: launches of one kernel, in flight in several
  /// contexts while one with a wider grid than any before is started.
  @Test func launchesOfSeveralContextsOverOtherGrids() throws {
    let rounds = Fixture.isSimulated ? 1 : 100
    let (steps, lanes) = (Fixture.isSimulated ? 1 : 20_000, 16)
    let variant = KernelVariant(.peak, defines: ["CHAINS": "1", "STEPS": "\(steps)"])
    let runtimes = try (0..<8).map { _ in try Fixture.runtime() }
    let kernels = try runtimes.map { try $0.kernel("multiply_add", of: variant) }
    for round in 0..<rounds {
      // All have two work-groups, for two threads, but the last.
      let groups = runtimes.indices.map { $0 == runtimes.count - 1 ? 3 + round : 2 }
      let outs = try zip(runtimes, groups).map {
        try Guarded<Float>($0, count: $1 * lanes)
      }
      for (index, runtime) in runtimes.enumerated() {
        try runtime.launch(
          kernels[index], global: [groups[index] * lanes], local: [lanes],
          [.buffer(outs[index].buffer), .float(0), .float(0.25)])
      }
      // Four numbers of a work-item, each 0 · x + 0.25.
      for out in outs { #expect(try out.read().allSatisfy { $0 == 1 }) }
    }
  }

  @Test(arguments: [
    ("Portable Computing Language", "1.8", true),
    ("Portable Computing Language", "3.1+debian", true),
    ("Portable Computing Language", "5.0-2.1build3", true),
    ("Portable Computing Language", "6.0", false),
    ("Portable Computing Language", "10.2-pre main-0-g5066640d", false),
    ("Portable Computing Language", "main", true),
    ("Portable Computing Language", "", true),
    ("NVIDIA CUDA", "3.1", false),
    ("Oclgrind", "21.10", false),
  ])
  func onlyOldPoCLNeedsIt(platform: String, driverVersion: String, isNeeded: Bool) {
    #expect(SoleLaunch.isNeeded(platform: platform, driverVersion: driverVersion) == isNeeded)
  }
}
