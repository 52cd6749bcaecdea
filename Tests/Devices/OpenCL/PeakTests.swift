import Testing

@testable import OpenCLDevice

@Suite struct PeakKernelTests {
  @Test(arguments: [(1, 1), (2, 3), (4, 16)])
  func theChainsAreRight(chains: Int, steps: Int) throws {
    let runtime = try Fixture.runtime()
    let variant = KernelVariant(.peak, defines: ["CHAINS": "\(chains)", "STEPS": "\(steps)"])
    let kernel = try runtime.kernel("multiply_add", of: variant)
    let out = try Guarded<Float>(runtime, count: 64)
    let (a, b): (Float, Float) = (0.75, 0.5)
    try runtime.launch(
      kernel, global: [64], local: [16], [.buffer(out.buffer), .float(a), .float(b)])
    for (item, found) in try out.read().enumerated() {
      var sum = 0.0
      for chain in 0..<chains {
        for number in 1...4 {
          var x = Double(number * (item % 7 + chain))
          for _ in 0..<steps { x = x * Double(a) + Double(b) }
          sum += x
        }
      }
      // Each multiply-add and each of 4 · chains sums rounds by 2^-24 of numbers below `sum` + 2.
      let tolerance = Double(steps + 4 * chains) * 0x1p-24 * (sum + 2)
      #expect(abs(Double(found) - sum) <= tolerance, "work-item \(item)")
    }
  }
}

@Suite struct PeakTests {
  @Test func limitsAreMeasured() throws {
    let peak = try Fixture.device().measurePeak(seconds: 0.02)
    // Any device moves a megabyte and makes a million products a second.
    #expect(peak.transfer > 1e6 && peak.transfer.isFinite)
    #expect(peak.float32 > 1e6 && peak.float32.isFinite)
  }
}
