import Device

extension BLASDevice {
  /// See `Device`.
  public func copyNumbers(
    ofLayer layer: Int, of stack: BLASGramStack, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    precondition(destination.count == stack.packedCount, "room for another number of numbers")
    destination.baseAddress?.update(from: stack.row(layer), count: stack.packedCount)
  }

  /// See `Device`: the numbers stay where they are.
  public func gramStack(of packed: PackedGrams) throws(DeviceError) -> BLASGramStack {
    BLASGramStack(borrowing: packed)
  }
}
