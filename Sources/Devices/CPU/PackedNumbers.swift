import Device

extension BLASDevice {
  /// See `Device`.
  public func copyNumbers(
    ofLayer layer: Int, of stack: BLASGramStack, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    try DeviceError.check(
      stack.summaries.indices.contains(layer), "copyNumbers", "the stack has no layer \(layer)")
    try DeviceError.check(
      destination.count == stack.packedCount, "copyNumbers",
      "room for \(destination.count) numbers, expected \(stack.packedCount)")
    destination.baseAddress?.update(from: stack.row(layer), count: stack.packedCount)
  }

  /// See `Device`: the numbers stay where they are.
  public func gramStack(of packed: PackedGrams) throws(DeviceError) -> BLASGramStack {
    BLASGramStack(borrowing: packed)
  }
}
