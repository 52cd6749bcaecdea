import Device
import Support

/// What a device can do at best, measured: what the speed of real work is held against.
public struct OpenCLPeak: Sendable, Hashable {
  /// Copies from pinned host memory to the device, in bytes a second.
  public let transfer: Double
  /// Fused multiply-adds of float32, two operations each, in operations a second.
  public let float32: Double
}

extension OpenCLDevice {
  /// Measures the device's limits for about `seconds`, with nothing else at work.
  ///
  /// Times are the host's, from the start of a command to its end: drivers' own clocks of a
  /// command leave out what it costs to start it.
  public func measurePeak(seconds: Double) throws(DeviceError) -> OpenCLPeak {
    try alone { (_) throws(DeviceError) in try runtime.measurePeak(seconds: seconds) }
  }
}

extension Runtime {
  func measurePeak(seconds: Double) throws(DeviceError) -> OpenCLPeak {
    let transferRate = try transferRate(seconds: seconds / 2)
    return OpenCLPeak(transfer: transferRate, float32: try float32Rate(seconds: seconds / 2))
  }

  private func transferRate(seconds: Double) throws(DeviceError) -> Double {
    let byteCount = min(limits.groupBytes, 64 << 20)
    let source = try PinnedMemory(queue: transfer, byteCount: byteCount)
    source.bytes.initializeMemory(as: UInt8.self, repeating: 1)
    let target = try buffer(byteCount: byteCount)
    let least = try leastTime(within: seconds) { () throws(DeviceError) in
      let bytes = UnsafeRawBufferPointer(source.bytes)
      try write(target, from: bytes, on: transfer).wait()
    }
    return Double(byteCount) / least
  }

  private func float32Rate(seconds: Double) throws(DeviceError) -> Double {
    let (chains, steps) = (4, 512)
    let variant = KernelVariant(.peak, defines: ["CHAINS": "\(chains)", "STEPS": "\(steps)"])
    let kernel = try kernel("multiply_add", of: variant)
    let lanes = min(description.largestWorkGroup, 128)
    let flopsPerItem = 2.0 * 4 * Double(chains * steps)
    func time(items: Int, within seconds: Double) throws(DeviceError) -> Double {
      let out = try buffer(byteCount: items * MemoryLayout<Float>.size)
      return try leastTime(within: seconds) { () throws(DeviceError) in
        // The numbers tend to 1: none overflows or becomes subnormal.
        try launch(
          kernel, global: [items], local: [lanes], [.buffer(out), .float(0.999), .float(0.001)])
        try compute.finish()
      }
    }
    // From a few work-groups for each unit, doubled until a launch takes long enough to time.
    var items = lanes * max(description.computeUnits, 1) * 8
    while try time(items: items, within: 0) < 2e-3, items < 1 << 24 { items *= 2 }
    return flopsPerItem * Double(items) / (try time(items: items, within: seconds))
  }

  /// The least time of `body`, which is repeated for about `seconds`, at least three times.
  private func leastTime(
    within seconds: Double, _ body: () throws(DeviceError) -> Void
  ) throws(DeviceError) -> Double {
    let start = ContinuousClock.now
    var least = Double.infinity
    var count = 0
    repeat {
      let before = ContinuousClock.now
      try body()
      least = min(least, before.elapsed)
      count += 1
    } while count < 3 || start.elapsed < seconds
    return least
  }
}
