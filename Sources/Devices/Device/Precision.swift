/// How the products that Gram matrices are made of may be rounded.
///
/// A device never does less than it is asked for. One without 16-bit matrix units is always exact,
/// which every mode allows; `DeviceInfo.precision` says what it does.
/// `Documentation/Numerics.md` derives the errors.
public enum Precision: String, CaseIterable, Sendable, Codable {
  /// Products and sums in float32. Stored 16-bit numbers, whose products float32 holds exactly, may go
  /// through 16-bit matrix units.
  case exact
  /// Each float32 number as a sum of two 16-bit ones, together 22 bits or more, with a power of two
  /// taken out; three products of 16-bit numbers for one. As accurate as float32, within rounding.
  case compensated
  /// Linear kernels: each centered number rounded to 16 bits, 11 of them significant, and one product.
  /// RBF kernels, whose distances may be small differences, are compensated.
  case fast

  /// The error of CKA that the mode allows: a layer whose rounding may bring more has the status
  /// `low-precision`.
  public var tolerance: Double { self == .fast ? 1e-3 : 1e-5 }
}
