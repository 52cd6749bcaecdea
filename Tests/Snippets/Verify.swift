import CKA
import DeviceRegistry
import Testing

extension Snippets {
  func verify() throws -> Verification {
    // Snippet begins.
    let device = try DeviceRegistry.choose(.automatic).devices[0]
    let verification = try Verification(of: device)
    for check in verification.checks {
      print(check.name, check.error, check.tolerance, check.passed)
    }
    print(verification.passed)
    // Snippet ends.
    return verification
  }

  @Test func theChosenDevicePasses() throws {
    let verification = try verify()
    #expect(verification.passed)
    #expect(verification.checks.count > 3)
  }
}
