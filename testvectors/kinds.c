#include "testvectors/kinds.h"

#include <string.h>

const struct vector_kind KINDS[] = {
    { "session-key", "How both ends come to the session key.", generate_session_key,
      subject_check_session_key },
    { "attestation", "What the device signs of a new session, of a key, and of the close.",
      generate_attestation, subject_check_attestation },
    { "mac", "The MAC of each provisioning method, and of the attestations.", generate_mac,
      subject_check_mac },
    { "encrypted-data", "What travels encrypted with the session key.", generate_encrypted_data,
      subject_check_encrypted_data },
    { "key-management", "What a key management key signs: target key references and roll-overs.",
      generate_key_management, subject_check_key_management },
    { "public-key", "Public keys in DER, as ephemeral and as key management keys.",
      generate_public_key, subject_check_public_key },
    { "wire", "Requests and answers of the SKS wire, well-formed and malformed.", generate_wire,
      subject_check_wire },
    { "message", "The messages of KeyGen2, well-formed and malformed.", generate_message,
      subject_check_message },
    { "pin", "PINs and PUKs: values, policies, groups, tries.", generate_pin, subject_check_pin },
    { "lookup", "Signed lookups of earlier keys, and the filters in them.", generate_lookup,
      subject_check_lookup },
    { "transcript", "Whole sessions, as they must be and altered.", generate_transcript,
      subject_check_transcript },
    { "device-path", "Certificate paths of devices, and who trusts them.", generate_device_path,
      subject_check_device_path },
    { "response", "Responses against the session that they are to be of.", generate_response,
      subject_check_response },
};
const size_t KINDS_COUNT = NITEMS(KINDS);

const struct vector_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KINDS_COUNT; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}
