"""Records of TS 32.298 as ASN.1 tools decode them to JSON: octet strings in hexadecimal, enumerations as numbers."""

from typing import Any

from tests.fakes.native_lines import OWN, OWN_2, RIVAL

ANSWERED = "2603021000052B0800"
ANSWERED_MS = 1_772_416_805_000  # 2026-03-02 10:00:05 +08:00

MO: dict[str, Any] = {
    "recordType": 0, "servedIMSI": "64000000000000F1", "servedIMEI": "5301234567890100", "servedMSISDN": OWN,
    "calledNumber": RIVAL, "translatedNumber": RIVAL, "connectedNumber": RIVAL, "recordingEntity": "8613800000001",
    "mscIncomingTKGP": {"tkgpName": "BSC-1"}, "mscOutgoingTKGP": {"tkgpName": "TG-RB"},
    "location": {"locationAreaCode": "1A2B", "cellId": "3C4D", "plmnId": "64F000"},
    "basicService": {"teleservice": "11"}, "msClassmark": "33", "seizureTime": "2603021000002B0800",
    "answerTime": ANSWERED, "releaseTime": "2603021001052B0800", "callDuration": 60, "causeForTerm": 0,
    "diagnostics": {"gsm0408Cause": 16}, "callReference": "1A2B3C", "systemType": "gERAN",
    "networkCallReference": "1122334455",
}  # fmt: skip
MT: dict[str, Any] = {
    **{key: value for key, value in MO.items() if "called" not in key and "connected" not in key},
    "recordType": 1, "callingNumber": RIVAL, "mscIncomingTKGP": {"tkgpNumber": 17},
}  # fmt: skip
OUT_GATEWAY: dict[str, Any] = {
    "recordType": 4, "callingNumber": OWN, "calledNumber": RIVAL, "recordingEntity": "8613800000009",
    "mscIncomingTKGP": {"tkgpName": "TG-OWN"}, "mscOutgoingTKGP": {"tkgpName": "TG-RB"}, "seizureTime": ANSWERED,
    "answerTime": ANSWERED, "callDuration": 30, "causeForTerm": 0, "callReference": "99", "locationRoutNum": "12410",
}  # fmt: skip
IN_GATEWAY: dict[str, Any] = {
    "recordType": 3, "callingNumber": RIVAL, "calledNumber": OWN, "recordingEntity": "8613800000009",
    "mscIncomingTKGP": {"tkgpName": "TG-RB"}, "mscOutgoingTKGP": {"tkgpName": "TG-OWN"}, "answerTime": ANSWERED,
    "callDuration": 30, "callReference": "98",
}  # fmt: skip
MO_SMS: dict[str, Any] = {
    "recordType": 6, "servedIMSI": "64000000000000F1", "servedMSISDN": OWN, "msClassmark": "33",
    "serviceCentre": "8613800000500", "recordingEntity": "8613800000001", "messageReference": "07",
    "originationTime": ANSWERED, "destinationNumber": RIVAL,
}  # fmt: skip
SS_ACTION: dict[str, Any] = {
    "recordType": 10, "servedIMSI": "64000000000000F1", "servedMSISDN": OWN, "recordingEntity": "8613800000001",
    "supplService": "21", "ssAction": 0, "ssActionTime": ANSWERED, "ssParameters": {"forwardedToNumber": RIVAL},
}  # fmt: skip
PGW: dict[str, Any] = {
    "recordType": 85, "servedIMSI": "64000000000000F1", "p-GWAddress": {"iPBinaryAddress": {"iPBinV4Address": "0A000001"}},
    "chargingID": 4711, "accessPointNameNI": "internet", "servedMSISDN": OWN, "servingNodePLMNIdentifier": "64F000",
    "listOfTrafficVolumes": [
        {"dataVolumeGPRSUplink": 100, "dataVolumeGPRSDownlink": 1000, "changeCondition": 2, "changeTime": ANSWERED},
        {"dataVolumeGPRSUplink": 50, "dataVolumeGPRSDownlink": 500, "changeCondition": 0, "changeTime": ANSWERED},
    ],
    "recordOpeningTime": ANSWERED, "duration": 900, "causeForRecClosing": 16, "recordSequenceNumber": 1,
}  # fmt: skip
CHF: dict[str, Any] = {
    "recordType": 200, "recordingNetworkFunctionID": "chf-1",
    "subscriberIdentifier": {"subscriptionIDType": 1, "subscriptionIDData": "460001234567890"},
    "recordOpeningTime": ANSWERED, "duration": 600, "recordSequenceNumber": 2, "causeForRecClosing": 17,
    "chargingSessionIdentifier": "cs-77",
    "listOfMultipleUnitUsage": [
        {"ratingGroup": 10, "usedUnitContainers": [
            {"dataVolumeUplink": 10, "dataVolumeDownlink": 90, "dataTotalVolume": 100}, {"dataTotalVolume": 40}]},
        {"ratingGroup": 20, "usedUnitContainers": [{"dataVolumeUplink": 1, "dataVolumeDownlink": 2}]},
    ],
    "pDUSessionChargingInformation": {
        "pDUSessionChargingID": 88, "userIdentifier": {"subscriptionIDType": 0, "subscriptionIDData": OWN_2},
        "userRoamerInOut": 1, "dataNetworkNameIdentifier": "internet"},
}  # fmt: skip
ALL = (MO, MT, OUT_GATEWAY, IN_GATEWAY, MO_SMS, SS_ACTION, PGW, CHF)
